#pragma once
// Talks to a running engine (or, for invocations, to any Lambda endpoint over http) from the command line.

#include <atomic>
#include <functional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "base/units.h"

namespace lectern::engine {

struct RemoteInvoke {
  std::string function, qualifier, payload = "{}", type = "RequestResponse";
  bool want_log = false;
};
struct RemoteResult {
  int status = 0;
  std::string payload, function_error, executed_version, log;
};

class Client {
 public:
  /// `endpoint` as "http://127.0.0.1:9000"; empty: $AWS_ENDPOINT_URL_LAMBDA, $AWS_ENDPOINT_URL, then the default port.
  explicit Client(std::string endpoint);

  /// Signed when AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set.
  Result<RemoteResult> invoke(const RemoteInvoke& arguments) const;
  /// The engine's /lectern/status.
  Result<json::object> status() const;
  /// Hands the log of a function to `sink`, oldest stream first; with `follow` goes on until `stop`.
  Result<void> logs(const std::string& function, bool follow, const std::atomic<bool>& stop,
                    const std::function<void(std::string_view)>& sink) const;
  const std::string& endpoint() const { return endpoint_; }

 private:
  Result<std::string> get(const std::string& target) const;
  std::string endpoint_;
};

}  // namespace lectern::engine
