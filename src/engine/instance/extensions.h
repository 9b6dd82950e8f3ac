#pragma once
// The Extensions API of one environment: who has registered, who has asked for the next event, what they are told.
// It starts and ends no process; the instance does, and is told what it may be waiting for.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "net/http_server.h"

namespace lectern::engine {

class Extensions {
 public:
  /// Answers to a registration.
  struct Facts {
    std::string function_name, function_version, handler, account_id;
  };
  struct Listener {
    std::function<void()> on_progress;  // somebody has registered or asked for an event
    std::function<void(std::string type, std::string text)> on_error;  // one has given up
  };
  Extensions(Facts facts, Listener listener) : facts_(std::move(facts)), listener_(std::move(listener)) {}

  static constexpr size_t kMost = 10;

  /// Files that are started as extensions: those in "extensions" of the layers, by name. Paths inside the sandbox.
  static std::vector<std::string> programsOf(const std::vector<std::filesystem::path>& layers);

  /// New processes: `external` are the names of the programs that will be started, slots 1, 2, ... in this order.
  void begin(const std::vector<std::string>& external);
  void closeRegistration() { open_ = false; }
  /// Answers requests below /2020-01-01/extension/ and to the telemetry interfaces; false for other paths.
  bool handle(const std::shared_ptr<net::Exchange>& exchange);

  bool any() const { return !agents_.empty(); }
  bool anyExternal() const;
  /// All programs that were started have registered.
  bool registered() const;
  /// All that have registered have asked for an event.
  bool ready() const;
  /// All that were told of the invocation have asked for the next event.
  bool idle() const;
  void tellInvocation(json::object event);
  /// Tells those that want to know of the end; returns the slots of programs that do not.
  std::vector<int> tellShutdown(std::string_view reason, int64_t deadline_ms);
  /// A program has ended; its name.
  std::string ended(int slot);
  /// A program that wants to know of the end still runs.
  bool awaitingEnd() const;
  /// One line for each, as Lambda logs them at the end of init.
  std::string logLines() const;
  void end();

 private:
  struct Agent {
    std::string name, id;
    int slot = 0;  // 0: inside the function's process
    bool registered = false, ready = false, running = true;
    bool wants_invoke = false, wants_shutdown = false;
    bool told = false;                    // and has not asked since
    std::vector<std::string> pending;     // events that came while it was busy
    std::shared_ptr<net::Exchange> parked;
  };

  void onRegister(net::Exchange& exchange);
  void onNext(const std::shared_ptr<net::Exchange>& exchange);
  void onError(net::Exchange& exchange, bool init);
  Agent* agentOf(net::Exchange& exchange);
  void tell(Agent& agent, const std::string& event);
  void deliver(Agent& agent);

  Facts facts_;
  Listener listener_;
  bool open_ = false;
  std::vector<Agent> agents_;
};

}  // namespace lectern::engine
