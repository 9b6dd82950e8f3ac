#pragma once
// Function URLs: a plain HTTP request becomes an event of payload format 2.0, the function's answer an HTTP response.

#include <optional>
#include <string>

#include "engine/control/registry.h"
#include "engine/invoke/dispatcher.h"
#include "engine/invoke/ids.h"
#include "net/http_server.h"

namespace lectern::engine {

class FunctionUrls {
 public:
  FunctionUrls(net::Loop& loop, Registry& registry, Dispatcher& dispatcher, IdSource& ids)
      : loop_(loop), registry_(registry), dispatcher_(dispatcher), ids_(ids) {}

  /// Answers when the Host is ID.lambda-url.ANYTHING or the path begins with /lambda-url/ID/; false for other
  /// requests.
  bool handle(const std::shared_ptr<net::Exchange>& exchange);

 private:
  struct Address {
    std::string id, path;
  };
  std::optional<Address> addressOf(const net::Request& request) const;
  std::string eventOf(const net::Exchange& exchange, const Address& address, const std::string& request_id) const;
  void stream(const std::shared_ptr<net::Exchange>& exchange, std::unique_ptr<Invocation> invocation);

  net::Loop& loop_;
  Registry& registry_;
  Dispatcher& dispatcher_;
  IdSource& ids_;
};

}  // namespace lectern::engine
