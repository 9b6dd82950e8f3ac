#pragma once
// A simple blocking HTTP/1.1 client with keep-alive, for the command line, tests and webhooks. Not for the loop's
// thread.

#include <functional>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/result.h"
#include "base/units.h"
#include "net/http.h"

namespace lectern::net {

struct ClientResponse {
  int status = 0;
  Headers headers;
  Headers trailers;
  std::string body;
};

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";
  Headers headers;  // Host and Content-Length are added
  std::string_view body;
  Nanos timeout{Seconds(60)};
  uint64_t body_limit = 256 << 20;                     // of the answer
  std::function<void(std::string_view)> on_body = {};  // the answer in pieces instead of in `body`
};

class HttpClient {
 public:
  HttpClient(std::string host, int port) : host_(std::move(host)), port_(port) {}

  /// Sends and waits for the whole answer. Connects when there is no connection, and once again when a kept one turns
  /// out to be dead. kUnavailable: nobody answers; kTimeout; kCorrupt: not HTTP, or cut short.
  Result<ClientResponse> send(const ClientRequest& request);

 private:
  Result<void> connect(int64_t deadline_nanos);
  Result<ClientResponse> exchange(const ClientRequest& request, int64_t deadline_nanos, bool& nothing_came);

  std::string host_;
  int port_;
  Fd fd_;
};

}  // namespace lectern::net
