#pragma once
// The engine's end of one Runtime API, as small as it can be: for templates (which say one thing and then wait), tests
// and benchmarks. Instances are served by engine/instance.

#include <optional>
#include <string>
#include <string_view>

#include "base/files.h"

namespace lectern::snapshot {

struct ApiRequest {
  std::string method, path, body;
};

class ApiPeer {
 public:
  explicit ApiPeer(Fd listener) : listener_(std::move(listener)) {}

  /// What to wait on for the next request.
  int waitFd() const { return connection_.valid() ? connection_.get() : listener_.get(); }
  /// The next request when it is complete; never waits. Bodies up to 16 MB.
  std::optional<ApiRequest> take();
  /// Answers a request; `headers` are whole lines with their ends. Waits while the socket is full.
  bool reply(std::string_view status, std::string_view headers, std::string_view body);
  /// An event for GET next.
  bool sendEvent(std::string_view request_id, std::string_view event);

 private:
  Fd listener_, connection_;
  std::string buffer_;
};

}  // namespace lectern::snapshot
