#pragma once
// A Lambda endpoint over http or https: signed requests, JSON answers.

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace lectern::pack {

struct EndpointAnswer {
  int status = 0;
  std::string body;
};

class Endpoint {
 public:
  /// `url` is "http://HOST:PORT" or "https://HOST[:PORT]"; kInvalid otherwise. Requests are signed when AWS_ACCESS_KEY_ID
  /// and AWS_SECRET_ACCESS_KEY are set; kDenied for https without them. `clock` dates the signatures and must outlive this.
  static Result<std::unique_ptr<Endpoint>> open(const std::string& url, std::string region, const Clock& clock);
  ~Endpoint();

  /// kUnavailable: nobody answers, or the certificate is not trusted. A status that tells of an error is an answer.
  Result<EndpointAnswer> send(const std::string& method, const std::string& path, const json::value& body);
  /// Waits until Lambda has taken up the last change of a function: at most a minute. kTimeout, kUnavailable.
  Result<void> settled(const std::string& function);

 private:
  struct Impl;
  explicit Endpoint(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lectern::pack
