#pragma once
// Event invocations: stored before they are acknowledged, run when there is room, repeated when they fail, and at
// their end reported to a destination or a dead-letter target.

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "engine/control/registry.h"
#include "engine/control/worker.h"
#include "engine/invoke/dispatcher.h"
#include "engine/invoke/ids.h"

namespace lectern::engine {

struct AsyncOptions {
  Nanos retry_delay = Seconds(60);     // before the first repetition; twice that before the second
  Nanos first_backoff = Seconds(1);    // after a throttle, doubled up to five minutes
  std::filesystem::path destinations;  // files named as destinations are below this folder
};

class AsyncInvoker {
 public:
  AsyncInvoker(net::Loop& loop, Registry& registry, Dispatcher& dispatcher, AsyncOptions options);
  ~AsyncInvoker();

  /// Takes up what an earlier engine left.
  void resume(std::vector<Document> events);
  /// Stored when this returns well.
  contract::ApiResult<void> enqueue(std::unique_ptr<Invocation> invocation, const contract::FunctionRef& ref);
  /// An event of the engine's own (a destination, a folder watch).
  contract::ApiResult<void> enqueue(const contract::FunctionRef& ref, std::string payload);
  /// An event of an event source mapping, whose rules it follows; stored together with `notes`.
  contract::ApiResult<void> enqueue(const contract::FunctionRef& ref, std::string payload, const std::string& mapping,
                                    const std::vector<Document>& notes);
  size_t waiting() const { return events_.size(); }

 private:
  struct Event {
    std::string id, function, qualifier, client_context, trace_id, mapping;
    net::Body payload;
    int64_t accepted_ms = 0;  // epoch
    int attempts = 0;         // that ran the function
    int throttles = 0;
    uint64_t timer = 0;
    json::object toObject() const;
  };
  struct Rules {
    int retries = 2;
    int64_t max_age_ms = 21'600'000;
    std::string on_success, on_failure, dead_letter;
  };
  struct Result {
    std::string condition;  // "Success", "RetriesExhausted", ...
    bool ran = false;
    bool function_error = false;
    std::string version, payload;
  };

  contract::ApiResult<void> take(Event event, const std::vector<Document>& notes = {});
  void attempt(const std::string& id);
  void ended(const std::string& id, Outcome outcome);
  void later(Event& event, Nanos delay);
  void conclude(const std::string& id, const Result& result);
  /// `reported` is held until the reports have been delivered.
  void report(const Event& event, const Result& result, const Rules& rules, const std::shared_ptr<void>& reported);
  void deliver(const std::string& target, std::string text,
               std::vector<std::pair<std::string, std::string>> attributes, std::shared_ptr<void> reported);
  Rules rulesOf(const Event& event);

  net::Loop& loop_;
  Registry& registry_;
  Dispatcher& dispatcher_;
  AsyncOptions options_;
  Worker worker_;
  IdSource ids_;
  std::map<std::string, Event> events_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lectern::engine
