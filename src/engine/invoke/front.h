#pragma once
// The Lambda API over HTTP: takes requests apart, sends invocations to the dispatcher and everything else to the
// control plane.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "contract/names.h"
#include "contract/operations.h"
#include "engine/invoke/dispatcher.h"
#include "engine/invoke/ids.h"
#include "net/http_server.h"
#include "net/sigv4.h"

namespace lectern::engine {

using Resolver = std::function<contract::ApiResult<Resolved>(const contract::FunctionRef&)>;

struct FrontOptions {
  contract::Place place;
  contract::Limits limits;
  std::optional<net::Credentials> require;  // requests must be signed with these
};

class Front {
 public:
  /// `control` answers operations other than invocations; null: 501 for them.
  using Control = std::function<void(const contract::OperationMatch&, std::shared_ptr<net::Exchange>)>;
  /// Requests to paths that are not Lambda's: "/metrics", code archives. True when it answered.
  using Extra = std::function<bool(const std::shared_ptr<net::Exchange>&)>;
  Front(net::Loop& loop, Dispatcher& dispatcher, FrontOptions options, Resolver resolver, Control control);

  Result<int> listen(const std::string& host, int port) { return server_.listen(host, port); }
  void stopListening() { server_.stopListening(); }
  void closeAll() { server_.closeAll(); }
  IdSource& ids() { return ids_; }
  /// Takes Event invocations; without it they run once and are forgotten.
  using Events = std::function<contract::ApiResult<void>(std::unique_ptr<Invocation>, const contract::FunctionRef&)>;
  void setEvents(Events events) { events_ = std::move(events); }
  void setExtra(Extra extra) { extra_ = std::move(extra); }

 private:
  void onHead(const std::shared_ptr<net::Exchange>& exchange);
  void onRequest(std::shared_ptr<net::Exchange> exchange);
  void invoke(std::shared_ptr<net::Exchange> exchange, const contract::OperationMatch& match, bool stream);
  std::optional<contract::ApiError> checkRequest(net::Request& request, bool event) const;
  void runSync(std::shared_ptr<net::Exchange> exchange, std::unique_ptr<Invocation> invocation);
  void runStreaming(std::shared_ptr<net::Exchange> exchange, std::unique_ptr<Invocation> invocation);

  net::Loop& loop_;
  Dispatcher& dispatcher_;
  FrontOptions options_;
  Resolver resolver_;
  Control control_;
  Extra extra_;
  Events events_;
  IdSource ids_;
  net::HttpServer server_;
};

/// Sends an API error with its headers.
void respondError(net::Exchange& exchange, const contract::ApiError& error, std::string_view request_id);

}  // namespace lectern::engine
