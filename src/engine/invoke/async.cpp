#include "engine/invoke/async.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "base/hash.h"
#include "base/log.h"
#include "engine/control/control.h"
#include "net/http_client.h"
#include "net/url.h"

namespace lectern::engine {

namespace fs = std::filesystem;
using contract::ApiFailure;
using contract::ApiResult;

namespace {

constexpr size_t kMaxWaiting = 100'000;
constexpr Nanos kLongestBackoff = Seconds(300);

/// One line at the end of a file below `folder`.
Result<void> appendLine(const fs::path& folder, const std::string& name, const std::string& line) {
  fs::path path = folder / fs::path(name).relative_path().lexically_normal();
  if (path.string().find("..") != std::string::npos)
    return fail(Code::kDenied, "leads out of the destinations folder");
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd.valid()) return failErrno(path.string(), errno);
  std::string text = line + "\n";
  if (write(fd.get(), text.data(), text.size()) != ssize_t(text.size())) return failErrno(path.string(), errno);
  return {};
}

Result<void> post(const std::string& url, const std::string& text,
                  const std::vector<std::pair<std::string, std::string>>& attributes) {
  auto where = net::parseHttpUrl(url);
  if (!where) return fail(Code::kInvalid, "only http:// URLs can be called");
  net::HttpClient client(where->host, where->port);
  net::ClientRequest request;
  request.method = "POST";
  request.target = where->base_path.empty() ? "/" : where->base_path;
  request.headers.add("Content-Type", "application/json");
  for (auto& [name, value] : attributes) request.headers.add("X-Lectern-" + name, value);
  request.body = text;
  request.timeout = Seconds(2);
  TRY(auto response, client.send(request));
  if (response.status / 100 == 2) return {};
  return fail(Code::kUnavailable, fmt::format("status {}", response.status));
}

json::value jsonOrText(const std::string& text) {
  auto parsed = parseJson(text);
  return parsed ? *parsed : json::value(text);
}

}  // namespace

json::object AsyncInvoker::Event::toObject() const {
  return {{"function", function},
          {"qualifier", qualifier},
          {"client_context", client_context},
          {"trace_id", trace_id},
          {"payload", base64Encode(payload ? *payload : "")},
          {"accepted_ms", accepted_ms},
          {"attempts", attempts},
          {"mapping", mapping}};
}

AsyncInvoker::AsyncInvoker(net::Loop& loop, Registry& registry, Dispatcher& dispatcher, AsyncOptions options)
    : loop_(loop), registry_(registry), dispatcher_(dispatcher), options_(std::move(options)), worker_(loop) {}

AsyncInvoker::~AsyncInvoker() {
  *alive_ = false;
  for (auto& [id, event] : events_) loop_.cancel(event.timer);
}

void AsyncInvoker::resume(std::vector<Document> documents) {
  for (auto& document : documents) {
    auto parsed = parseJson(document.text);
    if (!parsed || !parsed->is_object()) continue;
    auto& in = parsed->as_object();
    Event event;
    event.id = document.key;
    event.function = stringOr(in, "function", "");
    event.qualifier = stringOr(in, "qualifier", "");
    event.client_context = stringOr(in, "client_context", "");
    event.trace_id = stringOr(in, "trace_id", "");
    event.mapping = stringOr(in, "mapping", "");
    event.accepted_ms = intOr(in, "accepted_ms", 0);
    event.attempts = int(intOr(in, "attempts", 0));
    auto payload = base64Decode(stringOr(in, "payload", ""));
    event.payload = net::makeBody(payload ? std::move(*payload) : "{}");
    auto [it, fresh] = events_.emplace(event.id, event);
    later(it->second, Nanos(0));
  }
}

ApiResult<void> AsyncInvoker::enqueue(std::unique_ptr<Invocation> invocation, const contract::FunctionRef& ref) {
  Event event;
  event.id = invocation->request_id;
  event.function = ref.name;
  event.qualifier = ref.qualifier;
  event.client_context = invocation->client_context;
  event.trace_id = invocation->trace_id;
  event.payload = invocation->payload;
  return take(std::move(event));
}

ApiResult<void> AsyncInvoker::enqueue(const contract::FunctionRef& ref, std::string payload) {
  return enqueue(ref, std::move(payload), "", {});
}

ApiResult<void> AsyncInvoker::enqueue(const contract::FunctionRef& ref, std::string payload, const std::string& mapping,
                                      const std::vector<Document>& notes) {
  Event event;
  event.id = ids_.uuid();
  event.function = ref.name;
  event.qualifier = ref.qualifier;
  event.trace_id = ids_.trace(loop_.clock().wall().epoch_millis / 1000);
  event.payload = net::makeBody(std::move(payload));
  event.mapping = mapping;
  return take(std::move(event), notes);
}

ApiResult<void> AsyncInvoker::take(Event event, const std::vector<Document>& notes) {
  if (events_.size() >= kMaxWaiting) return ApiFailure(contract::serviceError("Too many events wait."));
  event.accepted_ms = loop_.clock().wall().epoch_millis;
  std::vector<Document> documents = {{"event", event.id, toJson(event.toObject())}};
  documents.insert(documents.end(), notes.begin(), notes.end());
  if (auto stored = registry_.put(documents); !stored) return stored;
  std::string id = event.id;
  auto [it, fresh] = events_.emplace(id, std::move(event));
  later(it->second, Nanos(0));
  return {};
}

void AsyncInvoker::later(Event& event, Nanos delay) {
  event.timer = loop_.after(delay, [this, id = event.id] { attempt(id); });
}

AsyncInvoker::Rules AsyncInvoker::rulesOf(const Event& event) {
  Rules rules;
  auto* function = registry_.find(event.function);
  if (!function) return rules;
  auto config = function->event_configs.find(event.qualifier.empty() ? "$LATEST" : event.qualifier);
  if (config != function->event_configs.end()) {
    rules.retries = int(intOr(config->second, "MaximumRetryAttempts", 2));
    rules.max_age_ms = intOr(config->second, "MaximumEventAgeInSeconds", 21600) * 1000;
    json::object destinations = objectAt(config->second, "DestinationConfig");
    rules.on_success = stringOr(objectAt(destinations, "OnSuccess"), "Destination", "");
    rules.on_failure = stringOr(objectAt(destinations, "OnFailure"), "Destination", "");
  }
  if (auto mapping = registry_.mappings().find(event.mapping); mapping != registry_.mappings().end()) {
    // A source's own numbers stand before the function's; -1, Lambda's "without end", is not for a queue of this size.
    int64_t retries = intOr(mapping->second, "MaximumRetryAttempts", -1);
    if (retries >= 0) rules.retries = int(retries);
    int64_t age = intOr(mapping->second, "MaximumRecordAgeInSeconds", -1);
    if (age > 0) rules.max_age_ms = age * 1000;
    std::string target = stringOr(objectAt(objectAt(mapping->second, "DestinationConfig"), "OnFailure"), "Destination", "");
    if (!target.empty()) rules.on_failure = target;
  }
  auto* version = registry_.versionOf(*function, event.qualifier);
  if (version) rules.dead_letter = stringOr(objectAt(version->config, "DeadLetterConfig"), "TargetArn", "");
  return rules;
}

void AsyncInvoker::attempt(const std::string& id) {
  auto it = events_.find(id);
  if (it == events_.end()) return;
  Event& event = it->second;
  event.timer = 0;
  contract::FunctionRef ref{event.function, event.qualifier};
  auto resolved = registry_.resolve(ref);
  if (!resolved) {
    // The function has been deleted: nobody is left to run it or to tell.
    registry_.erase("event", id);
    events_.erase(it);
    return;
  }
  auto* function = registry_.find(event.function);
  if (function && function->reserved == 0) return conclude(id, {"ZeroReservedConcurrency", false, false, "", ""});
  int64_t age = loop_.clock().wall().epoch_millis - event.accepted_ms;
  if (age > rulesOf(event).max_age_ms) return conclude(id, {"EventAgeExceeded", false, false, "", ""});
  auto invocation = std::make_unique<Invocation>();
  invocation->request_id = event.id;  // the same on every attempt
  invocation->version = std::move(resolved->version);
  invocation->invoked_arn = std::move(resolved->arn);
  invocation->payload = event.payload;
  invocation->client_context = event.client_context;
  invocation->trace_id = event.trace_id;
  invocation->done = [this, alive = alive_, id](Outcome outcome) {
    if (*alive) ended(id, std::move(outcome));
  };
  dispatcher_.invoke(std::move(invocation));
}

void AsyncInvoker::ended(const std::string& id, Outcome outcome) {
  auto it = events_.find(id);
  if (it == events_.end()) return;
  Event& event = it->second;
  if (outcome.refused) {
    Nanos delay = options_.first_backoff * (int64_t(1) << std::min(event.throttles++, 9));
    return later(event, std::min(delay, kLongestBackoff));
  }
  ++event.attempts;
  Result result{"Success", true, outcome.function_error, outcome.executed_version,
                outcome.payload ? *outcome.payload : "null"};
  if (!outcome.function_error) return conclude(id, result);
  if (event.attempts > rulesOf(event).retries) {
    result.condition = "RetriesExhausted";
    return conclude(id, result);
  }
  registry_.put("event", id, toJson(event.toObject()));
  later(event, options_.retry_delay * event.attempts);
}

void AsyncInvoker::conclude(const std::string& id, const Result& result) {
  auto it = events_.find(id);
  Event event = std::move(it->second);
  Rules rules = rulesOf(event);
  events_.erase(it);
  // The event goes when nobody holds this any more, that is after every report was delivered: a kill in between
  // repeats a report, but loses none.
  std::shared_ptr<void> reported(nullptr, [this, alive = alive_, id](void*) {
    if (*alive) registry_.erase("event", id);
  });
  report(event, result, rules, reported);
}

void AsyncInvoker::report(const Event& event, const Result& result, const Rules& rules,
                          const std::shared_ptr<void>& reported) {
  bool success = result.condition == "Success";
  const std::string& target = success ? rules.on_success : rules.on_failure;
  std::string payload = event.payload ? *event.payload : "null";
  if (!target.empty()) {
    json::object context = {
        {"requestId", event.id},
        {"functionArn", registry_.arn(event.function, event.qualifier.empty() ? "$LATEST" : event.qualifier)},
        {"condition", result.condition},
        {"approximateInvokeCount", event.attempts}};
    json::object record = {{"version", "1.0"},
                           {"timestamp", formatIso(loop_.clock().wall())},
                           {"requestContext", std::move(context)},
                           {"requestPayload", jsonOrText(payload)}};
    if (result.ran) {
      json::object response = {{"statusCode", 200}, {"executedVersion", result.version}};
      if (result.function_error) response["functionError"] = "Unhandled";
      record["responseContext"] = std::move(response);
      record["responsePayload"] = jsonOrText(result.payload);
    }
    deliver(target, toJson(record), {}, reported);
  }
  if (!success && !rules.dead_letter.empty()) {
    deliver(rules.dead_letter, payload,
            {{"RequestID", event.id}, {"ErrorCode", "200"}, {"ErrorMessage", result.payload.substr(0, 1024)}}, reported);
  }
}

void AsyncInvoker::deliver(const std::string& target, std::string text,
                           std::vector<std::pair<std::string, std::string>> attributes,
                           std::shared_ptr<void> reported) {
  auto ref = contract::parseFunctionRef(registry_.options().place, target, "");
  if (ref && registry_.find(ref->name)) {
    if (auto taken = enqueue(*ref, std::move(text)); !taken)
      logWarn("destination " + target + ": " + taken.error().message);
    return;
  }
  auto problem = std::make_shared<std::string>();
  worker_.run(
      [this, target, text = std::move(text), attributes = std::move(attributes), problem] {
        auto done = target.starts_with("file://") ? appendLine(options_.destinations, target.substr(7), text)
                    : target.starts_with("http")  ? post(target, text, attributes)
                                                  : fail(Code::kInvalid, "neither a function, file:// nor http://");
        if (!done) *problem = done.error().message;
      },
      [target, problem, reported = std::move(reported)] {
        if (!problem->empty()) logWarn("destination " + target + ": " + *problem);
      });
}

}  // namespace lectern::engine
