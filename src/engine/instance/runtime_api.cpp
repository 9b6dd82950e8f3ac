// The Runtime API: what the process of a function asks of its environment.

#include <fmt/core.h>

#include <array>

#include "base/hash.h"
#include "base/json.h"
#include "engine/instance/instance.h"
#include "net/url.h"

namespace lectern::engine {

namespace {

constexpr std::string_view kPrefix = "/2018-06-01/runtime/";
constexpr std::string_view kInvocation = "invocation/";

net::Response apiError(int status, std::string_view type, std::string_view message) {
  json::object body = {{"errorMessage", message}, {"errorType", type}};
  return net::Response(status, "application/json", toJson(body));
}

net::Response accepted() {
  static const net::Body body = std::make_shared<const std::string>("{\"status\":\"OK\"}\n");
  net::Response response;
  response.status = 202;
  response.headers.add("Content-Type", "application/json");
  response.body = body;
  return response;
}

/// "invocation/ID/response" -> {ID, "response"}.
struct InvocationPath {
  std::string_view id, verb;
};
InvocationPath splitInvocation(std::string_view path) {
  path.remove_prefix(kInvocation.size());
  size_t slash = path.find('/');
  if (slash == std::string_view::npos) return {{}, path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

std::string_view runtimePath(const net::Request& request) {
  std::string_view path = net::splitTarget(request.target).path;
  if (!path.starts_with(kPrefix)) return {};
  path.remove_prefix(kPrefix.size());
  return path;
}

/// What Lambda makes of the error type that a runtime gives.
std::string errorTypeOf(std::string_view given) {
  auto plain = [](std::string_view text) {
    return !text.empty() && text[0] >= 'A' && text[0] <= 'Z' &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos;
  };
  for (std::string_view family : {"Runtime.", "Function."}) {
    if (given.starts_with(family)) {
      return plain(given.substr(family.size())) ? std::string(given) : std::string(family) + "Unknown";
    }
  }
  return "Runtime.Unknown";
}

void failWith(Outcome& outcome, std::string_view type, std::string_view text) {
  outcome.function_error = true;
  outcome.error_type = type;
  json::object body = {{"errorMessage", text}, {"errorType", type}};
  outcome.payload = net::makeBody(toJson(body));
}

/// An answer above its limit: what the caller and what the runtime are told.
net::Response refuseTooLarge(Outcome& outcome, uint64_t limit) {
  failWith(outcome, contract::error_type::kResponseTooLarge,
           fmt::format("Response payload size exceeded maximum allowed payload size ({} bytes).", limit));
  return apiError(413, "RequestEntityTooLarge",
                  fmt::format("Exceeded maximum allowed payload size ({} bytes).", limit));
}

/// An error document with a cause is cut to the three fields that callers see.
net::Body errorBody(net::Request& request) {
  std::string_view type = request.headers.get("Content-Type");
  if (type != "application/vnd.aws.lambda.error.cause+json") return net::makeBody(std::move(request.body));
  auto parsed = parseJson(request.body);
  json::object out;
  if (parsed && parsed->is_object()) {
    for (std::string_view key : {"errorMessage", "errorType", "stackTrace"}) {
      if (auto* value = parsed->as_object().if_contains(key)) out[key] = *value;
    }
  }
  return net::makeBody(toJson(out));
}

}  // namespace

void Instance::noteResponded() {
  if (!invocation_ || state_ != State::kResponded) return;
  responded_ = true;
  context_.owner.instanceResponded(*this);
}

std::string_view Instance::apiState() const {
  switch (state_) {
    case State::kStarting:
      return "Started";
    case State::kParked:
      return "Ready";
    case State::kRunning:
      return "Running";
    case State::kResponded:
      return "InvocationResponseSent";
    default:
      return "Unknown";
  }
}

void Instance::onHead(const std::shared_ptr<net::Exchange>& exchange) {
  std::string_view path = runtimePath(exchange->request);
  if (exchange->request.method != "POST" || !path.starts_with(kInvocation)) return;
  auto [id, verb] = splitInvocation(path);
  if (verb != "response" || state_ != State::kRunning || !invocation_ || id != invocation_->request_id) return;
  if (exchange->request.headers.get("Lambda-Runtime-Function-Response-Mode") != "streaming") return;
  stream_.begin(exchange, *invocation_);
}

void Instance::onRequest(std::shared_ptr<net::Exchange> exchange) {
  if (extensions_.handle(exchange)) return;
  auto& request = exchange->request;
  std::string_view path = runtimePath(request);
  if (path.starts_with(kInvocation)) {
    auto [id, verb] = splitInvocation(path);
    if (verb == "next" && id.empty() && request.method == "GET") return onNext(std::move(exchange));
    if (verb == "response" && request.method == "POST") return onResponse(std::move(exchange), id);
    if (verb == "error" && request.method == "POST") return onError(std::move(exchange), id);
  } else if (path == "init/error" && request.method == "POST") {
    return onInitError(std::move(exchange), false);
  } else if (path == "restore/error" && request.method == "POST") {
    return onInitError(std::move(exchange), true);
  } else if (path == "restore/next" && request.method == "GET" && state_ == State::kStarting) {
    // No snapshot was taken of this process: it goes on as if restored at once.
    return exchange->respond(net::Response(200, "application/json", ""));
  } else if (request.target == "/2018-06-01/ping" && request.method == "GET") {
    return exchange->respond(net::Response(200, "text/plain", "pong"));
  }
  exchange->respond(net::Response(404, "text/plain", "404 page not found\n"));
}

void Instance::onNext(std::shared_ptr<net::Exchange> exchange) {
  switch (state_) {
    case State::kStarting:
      parked_ = std::move(exchange);
      runtime_ready_ = true;
      if (extensions_.ready()) initDone();
      return;
    case State::kParked:
      parked_ = std::move(exchange);
      return;
    case State::kRunning:
      // The same event again, for a runtime that lost it.
      parked_ = std::move(exchange);
      return deliver();
    case State::kResponded:
      parked_ = std::move(exchange);
      runtime_back_ = true;
      if (!extensions_.idle()) return;
      state_ = State::kParked;
      return finish("", "");
    default:
      exchange->respond(
          apiError(403, "InvalidStateTransition",
                   "State transition from Unknown to Ready failed for runtime. Error: State transition is "
                   "not allowed"));
  }
}

/// Answers requests about another invocation than the running one; true when it did.
bool Instance::refuse(net::Exchange& exchange, std::string_view id, std::string_view wanted) {
  bool known = invocation_ && id == invocation_->request_id;
  if (!known) {
    exchange.respond(apiError(400, "InvalidRequestID", "Invalid request ID"));
    return true;
  }
  if (state_ == State::kRunning) return false;
  exchange.respond(
      apiError(403, "InvalidStateTransition",
               fmt::format("State transition from {} to {} failed for runtime. Error: State transition is "
                           "not allowed",
                           apiState(), wanted)));
  return true;
}

void Instance::onResponse(std::shared_ptr<net::Exchange> exchange, std::string_view id) {
  if (refuse(*exchange, id, "InvocationResponse")) return;
  auto& request = exchange->request;
  std::string_view mode = request.headers.get("Lambda-Runtime-Function-Response-Mode");
  Outcome outcome;
  state_ = State::kResponded;
  net::Response reply = accepted();
  if (request.truncated) {
    failWith(outcome, contract::error_type::kTruncated, "Response is truncated");
    reply = apiError(400, "TruncatedHTTPRequest", "HTTP request detected as truncated");
  } else if (!mode.empty() && mode != "streaming") {
    failWith(outcome, contract::error_type::kInvalidMode, "Invalid function response mode");
    reply = apiError(400, "InvalidFunctionResponseMode", "Invalid function response mode");
  } else if (mode == "streaming") {
    return onStreamed(std::move(exchange));
  } else if (request.too_large) {
    reply = refuseTooLarge(outcome, uint64_t(context_.limits.response_payload.value));
  } else {
    if (auto type = request.headers.find("Content-Type")) outcome.content_type = *type;
    outcome.payload = net::makeBody(std::move(request.body));
  }
  respondTo(std::move(outcome));
  exchange->respond(std::move(reply));
  noteResponded();
}

/// The end of an answer that came in pieces.
void Instance::onStreamed(std::shared_ptr<net::Exchange> exchange) {
  auto& trailers = exchange->request.trailers;
  Outcome outcome;
  if (auto type = exchange->request.headers.find("Content-Type")) outcome.content_type = *type;
  net::Response reply = accepted();
  std::string_view error = trailers.get("Lambda-Runtime-Function-Error-Type");
  if (!error.empty()) {
    outcome.function_error = true;
    outcome.error_type = errorTypeOf(error);
    auto body = base64Decode(trailers.get("Lambda-Runtime-Function-Error-Body"));
    outcome.payload = net::makeBody(body ? std::move(*body) : std::string("{}"));
    outcome.content_type = "application/json";
  } else if (stream_.tooLarge()) {
    reply = refuseTooLarge(outcome, stream_.limit());
  } else if (!invocation_->streams()) {
    outcome.payload = net::makeBody(stream_.take());
  }
  respondTo(std::move(outcome));
  exchange->respond(std::move(reply));
  noteResponded();
}

void Instance::onError(std::shared_ptr<net::Exchange> exchange, std::string_view id) {
  if (refuse(*exchange, id, "InvocationErrorResponse")) return;
  state_ = State::kResponded;
  Outcome outcome;
  outcome.function_error = true;
  outcome.error_type = errorTypeOf(exchange->request.headers.get("Lambda-Runtime-Function-Error-Type"));
  outcome.payload = errorBody(exchange->request);
  respondTo(std::move(outcome));
  exchange->respond(accepted());
  noteResponded();
}

void Instance::onInitError(std::shared_ptr<net::Exchange> exchange, bool after_restore) {
  if (state_ != State::kStarting) {
    exchange->respond(apiError(403, "InvalidStateTransition",
                               fmt::format("State transition from {} to {} failed for runtime. Error: State "
                                           "transition is not allowed",
                                           apiState(), after_restore ? "RestoreError" : "InitError")));
    return;
  }
  Failed failed;
  failed.type = errorTypeOf(exchange->request.headers.get("Lambda-Runtime-Function-Error-Type"));
  bool is_json = bool(parseJson(exchange->request.body));
  failed.content_type = is_json ? "application/json" : "application/octet-stream";
  failed.body = errorBody(exchange->request);
  if (!failed.body) failed.body = std::make_shared<const std::string>("{}");
  exchange->respond(accepted());
  if (after_restore) {
    logText(fmt::format("{} {}\n", kRestoreFailed, *failed.body));
    failed.type = kRestoreFailed;
  }
  initFailed(std::move(failed));
}

}  // namespace lectern::engine
