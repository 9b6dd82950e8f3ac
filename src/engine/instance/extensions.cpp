#include "engine/instance/extensions.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/ids.h"
#include "net/url.h"

namespace lectern::engine {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "/2020-01-01/extension/";

net::Response answer(int status, json::object body) { return {status, "application/json", toJson(body)}; }

void refuse(net::Exchange& exchange, std::string_view type, std::string_view text) {
  exchange.respond(answer(403, {{"errorMessage", text}, {"errorType", type}}));
}

std::string uuid() {
  std::string hex = randomHex(16);
  hex[12] = '4';
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-a" + hex.substr(17, 3) + "-" +
         hex.substr(20);
}

bool isUuid(std::string_view text) {
  return text.size() == 36 && text.find_first_not_of("0123456789abcdefABCDEF-") == std::string_view::npos;
}

}  // namespace

std::vector<std::string> Extensions::programsOf(const std::vector<fs::path>& layers) {
  std::map<std::string, bool> names;
  std::error_code error;
  for (auto& layer : layers) {
    if (fs::exists(layer / "disable-extensions-jwigqn8j", error)) return {};
    for (fs::directory_iterator it(layer / "extensions", error), end; !error && it != end; it.increment(error)) {
      if (!it->is_directory(error)) names[it->path().filename().string()] = true;
    }
  }
  std::vector<std::string> out;
  for (auto& [name, here] : names) out.push_back(name);
  return out;
}

void Extensions::begin(const std::vector<std::string>& external) {
  agents_.clear();
  open_ = true;
  for (auto& name : external) {
    agents_.emplace_back();
    agents_.back().name = name;
    agents_.back().slot = int(agents_.size());
  }
}

void Extensions::end() {
  open_ = false;
  agents_.clear();
}

bool Extensions::anyExternal() const {
  return std::any_of(agents_.begin(), agents_.end(), [](auto& a) { return a.slot > 0; });
}
bool Extensions::registered() const {
  return std::all_of(agents_.begin(), agents_.end(), [](auto& a) { return a.registered; });
}
bool Extensions::ready() const {
  return std::all_of(agents_.begin(), agents_.end(), [](auto& a) { return a.ready; });
}
bool Extensions::idle() const {
  return std::none_of(agents_.begin(), agents_.end(), [](auto& a) { return a.told && a.running; });
}
bool Extensions::awaitingEnd() const {
  return std::any_of(agents_.begin(), agents_.end(),
                     [](auto& a) { return a.slot > 0 && a.running && a.wants_shutdown; });
}

std::string Extensions::logLines() const {
  std::string out;
  for (auto& agent : agents_) {
    std::string events = agent.wants_invoke && agent.wants_shutdown ? "INVOKE, SHUTDOWN"
                         : agent.wants_invoke                       ? "INVOKE"
                         : agent.wants_shutdown                     ? "SHUTDOWN"
                                                                    : "";
    out += fmt::format("EXTENSION\tName: {}\tState: {}\tEvents: [{}]\n", agent.name,
                       agent.ready        ? "Ready"
                       : agent.registered ? "Registered"
                                          : "Started",
                       events);
  }
  return out;
}

bool Extensions::handle(const std::shared_ptr<net::Exchange>& exchange) {
  auto& request = exchange->request;
  std::string_view path = net::splitTarget(request.target).path;
  if (request.method == "PUT" && (path == "/2022-07-01/telemetry" || path == "/2020-08-15/logs")) {
    // An honest no, in the words of AWS's emulator: extensions that send telemetry go on without it.
    std::string name = path == "/2022-07-01/telemetry" ? "Telemetry" : "Logs";
    exchange->respond(
        answer(202, {{"errorMessage", name + " API is not supported"}, {"errorType", name + ".NotSupported"}}));
    return true;
  }
  if (!path.starts_with(kPrefix)) return false;
  path.remove_prefix(kPrefix.size());
  if (path == "register" && request.method == "POST") {
    onRegister(*exchange);
  } else if (path == "event/next" && request.method == "GET") {
    onNext(exchange);
  } else if ((path == "init/error" || path == "exit/error") && request.method == "POST") {
    onError(*exchange, path == "init/error");
  } else {
    exchange->respond(net::Response(404, "text/plain", "404 page not found\n"));
  }
  return true;
}

void Extensions::onRegister(net::Exchange& exchange) {
  auto& request = exchange.request;
  std::string name(request.headers.get("Lambda-Extension-Name"));
  if (name.empty()) return refuse(exchange, "Extension.InvalidExtensionName", "Empty extension name");
  auto parsed = parseJson(request.body);
  if (!parsed || !parsed->is_object())
    return refuse(exchange, "InvalidRequestFormat", "the request body is no JSON object");
  if (parsed->as_object().contains("configurationKeys")) {
    return refuse(exchange, "InvalidRequestFormat",
                  "configurationKeys are deprecated; use environment variables instead");
  }
  bool invoke = false, shutdown = false;
  if (auto* events = parsed->as_object().if_contains("events"); events && events->is_array()) {
    for (auto& event : events->as_array()) {
      std::string text = event.is_string() ? std::string(event.as_string()) : toJson(event);
      if (text != "INVOKE" && text != "SHUTDOWN")
        return refuse(exchange, "Extension.InvalidEventType", text + ": ErrorInvalidEventType");
      (text == "INVOKE" ? invoke : shutdown) = true;
    }
  }
  auto found = std::find_if(agents_.begin(), agents_.end(), [&](auto& a) { return a.name == name; });
  if (found == agents_.end()) {
    if (shutdown)
      return refuse(exchange, "Extension.InvalidEventType", "SHUTDOWN: internal extensions cannot subscribe to it");
    if (!open_) return refuse(exchange, "Extension.RegistrationClosed", "Extension registration closed already");
    if (agents_.size() >= kMost)
      return refuse(exchange, "Extension.TooManyExtensions", fmt::format("Extension limit ({}) reached", kMost));
    agents_.emplace_back();
    found = agents_.end() - 1;
    found->name = name;
  } else if (found->registered) {
    return refuse(exchange, "Extension.InvalidExtensionState", "Extension with this name already registered");
  }
  found->registered = true, found->wants_invoke = invoke, found->wants_shutdown = shutdown;
  found->id = uuid();
  json::object body = {{"functionName", facts_.function_name},
                       {"functionVersion", facts_.function_version},
                       {"handler", facts_.handler}};
  if (request.headers.get("Lambda-Extension-Accept-Feature").find("accountId") != std::string_view::npos)
    body["accountId"] = facts_.account_id;
  net::Response response = answer(200, std::move(body));
  response.headers.add("Lambda-Extension-Identifier", found->id);
  exchange.respond(std::move(response));
  listener_.on_progress();
}

Extensions::Agent* Extensions::agentOf(net::Exchange& exchange) {
  std::string_view id = exchange.request.headers.get("Lambda-Extension-Identifier");
  if (id.empty()) {
    refuse(exchange, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header");
    return nullptr;
  }
  if (!isUuid(id)) {
    refuse(exchange, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier");
    return nullptr;
  }
  auto found = std::find_if(agents_.begin(), agents_.end(), [&](auto& a) { return a.registered && a.id == id; });
  if (found != agents_.end()) return &*found;
  refuse(exchange, "Extension.UnknownExtensionIdentifier", "Unknown extension " + std::string(id));
  return nullptr;
}

void Extensions::onNext(const std::shared_ptr<net::Exchange>& exchange) {
  Agent* agent = agentOf(*exchange);
  if (!agent) return;
  agent->ready = true, agent->told = false;
  agent->parked = exchange;
  deliver(*agent);
  listener_.on_progress();
}

void Extensions::onError(net::Exchange& exchange, bool init) {
  Agent* agent = agentOf(exchange);
  if (!agent) return;
  std::string given(exchange.request.headers.get("Lambda-Extension-Function-Error-Type"));
  if (given.empty())
    return refuse(exchange, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found");
  exchange.respond(answer(202, {{"status", "OK"}}));
  agent->told = false;
  std::string type = init ? "Extension.InitError" : "Extension.ExitError";
  if (given.starts_with("Extension.") && given.size() > 10) type = given;
  listener_.on_error(std::move(type), "extension " + agent->name + (init ? " failed in its init" : " gave up"));
}

void Extensions::deliver(Agent& agent) {
  if (!agent.parked || agent.pending.empty()) return;
  auto exchange = std::move(agent.parked);
  if (exchange->closed()) return;  // it asks again, or it ends
  net::Response response(200, "application/json", agent.pending.front());
  agent.pending.erase(agent.pending.begin());
  response.headers.add("Lambda-Extension-Event-Identifier", uuid());
  agent.told = true;
  exchange->respond(std::move(response));
}

void Extensions::tell(Agent& agent, const std::string& event) {
  agent.told = true;
  agent.pending.push_back(event);
  deliver(agent);
}

void Extensions::tellInvocation(json::object event) {
  std::string text = toJson(event);
  for (auto& agent : agents_) {
    if (agent.registered && agent.wants_invoke && agent.running) tell(agent, text);
  }
}

std::vector<int> Extensions::tellShutdown(std::string_view reason, int64_t deadline_ms) {
  std::vector<int> others;
  json::object event = {{"eventType", "SHUTDOWN"}, {"shutdownReason", reason}, {"deadlineMs", deadline_ms}};
  std::string text = toJson(event);
  for (auto& agent : agents_) {
    if (agent.slot == 0 || !agent.running) continue;
    agent.pending.clear();
    if (agent.registered && agent.wants_shutdown) {
      tell(agent, text);
    } else {
      others.push_back(agent.slot);
    }
  }
  return others;
}

std::string Extensions::ended(int slot) {
  for (auto& agent : agents_) {
    if (agent.slot != slot) continue;
    agent.running = false;
    agent.parked.reset();
    return agent.name;
  }
  return {};
}

}  // namespace lectern::engine
