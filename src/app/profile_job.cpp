#include "app/profile_job.h"

#include <fmt/core.h>

#include <cstdio>
#include <memory>

#include "base/json.h"
#include "engine/client.h"
#include "engine/engine.h"
#include "net/http_client.h"
#include "net/url.h"

namespace lectern::app {

namespace {

/// A function behind Lambda's API: a change of its environment makes the next call start a new instance.
class LambdaEndpoint final : public plan::Endpoint {
 public:
  LambdaEndpoint(const std::string& endpoint, std::string function)
      : client_(endpoint), function_(std::move(function)) {}

  /// Remembers the configuration as it is.
  Result<void> open() {
    TRY(const json::object now, configure("GET", ""));
    memory_ = intOr(now, "MemorySize", 128);
    if (const json::value* environment = now.if_contains("Environment"); environment != nullptr) {
      if (const auto* object = environment->if_object(); object != nullptr && object->contains("Variables")) {
        if (const auto* variables = object->at("Variables").if_object()) variables_ = *variables;
      }
    }
    return {};
  }
  Result<void> close() { return set(memory_, variables_); }

  Result<void> renew(int memory_mb) override {
    json::object variables = variables_;
    variables["LECTERN_PROFILE_ROUND"] = std::to_string(++round_);
    return set(memory_mb, variables);
  }

  Result<plan::Invoked> invoke(std::string_view payload) override {
    engine::RemoteInvoke call;
    call.function = function_;
    call.payload = std::string(payload);
    call.want_log = true;
    TRY(engine::RemoteResult result, client_.invoke(call));
    const bool failed = result.status / 100 != 2 || !result.function_error.empty();
    return plan::Invoked{std::move(result.log), failed, std::move(result.payload)};
  }

 private:
  Result<void> set(int64_t memory_mb, const json::object& variables) {
    const json::object body{{"MemorySize", memory_mb}, {"Environment", json::object{{"Variables", variables}}}};
    TRY(const json::object answer, configure("PUT", toJson(body)));
    (void)answer;
    return {};
  }

  Result<json::object> configure(const std::string& method, const std::string& body) {
    const auto where = net::parseHttpUrl(client_.endpoint());
    if (!where) return fail(Code::kInvalid, client_.endpoint() + " is no http URL");
    net::HttpClient http(where->host, where->port);
    net::ClientRequest request;
    request.method = method;
    request.target = where->base_path + "/2015-03-31/functions/" + net::percentEncode(function_) + "/configuration";
    request.headers.add("Content-Type", "application/json");
    request.body = body;
    TRY(const net::ClientResponse response, http.send(request));
    if (response.status / 100 != 2) {
      return fail(Code::kUnavailable, fmt::format("{} configuration of {}: status {}: {}", method, function_,
                                                  response.status, response.body.substr(0, 300)));
    }
    TRY(const json::value answer, parseJson(response.body));
    return answer.is_object() ? answer.get_object() : json::object{};
  }

  engine::Client client_;
  std::string function_;
  int64_t memory_ = 128;
  json::object variables_;
  int round_ = 0;
};

}  // namespace

int runProfileJob(const ProfileOptions& options, const Clock& clock) {
  const auto failed = [](const Error& error) {
    fmt::print(stderr, "lectern profile: {}\n", error.message);
    return 1;
  };
  std::unique_ptr<engine::Engine> own;
  std::string where = options.endpoint;
  if (!options.config.empty()) {
    auto started = engine::Engine::start({.functions_first = true, .listen = "127.0.0.1:0"});
    if (!started) return failed(started.error());
    own = std::move(*started);
    if (auto added = own->addServerless(options.config); !added) return failed(added.error());
    where = own->endpoint();
  }
  LambdaEndpoint endpoint(where, options.measure.function);
  if (auto opened = endpoint.open(); !opened) return failed(opened.error());
  const auto profile = plan::measure(endpoint, options.measure, clock,
                                     [](std::string_view text) { fmt::print(stderr, "profile: {}\n", text); });
  const auto closed = endpoint.close();
  if (!profile) return failed(profile.error());
  if (!closed) return failed(closed.error().with("putting the memory size back"));
  const auto text = plan::writeProfile(*profile, options.out);
  if (!text) return failed(text.error());
  fmt::print("{}", *text);
  return 0;
}

}  // namespace lectern::app
