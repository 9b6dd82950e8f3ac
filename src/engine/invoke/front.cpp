#include "engine/invoke/front.h"

#include <fmt/core.h>

#include "base/hash.h"
#include "base/json.h"
#include "contract/json_check.h"
#include "engine/invoke/event_stream.h"
#include "net/url.h"

namespace lectern::engine {

namespace {

constexpr size_t kMaxFrame = 1 << 20;  // bytes of payload in one event of a stream

net::ServerOptions serverOptions(const contract::Limits& limits) {
  net::ServerOptions options;
  options.body_limit = uint64_t(limits.create_request.value);
  options.idle_timeout = std::chrono::minutes(10);
  options.slow_timeout = Seconds(60);
  return options;
}

bool isInvocation(std::string_view path) {
  if (path.ends_with('/')) path.remove_suffix(1);  // of invoke-async, as the AWS SDKs write it
  return path.ends_with("/invocations") || path.ends_with("/response-streaming-invocations") ||
         path.ends_with("/invoke-async");
}

void addInvokeHeaders(net::Headers& headers, const Outcome& outcome, std::string_view request_id) {
  headers.add("x-amzn-RequestId", request_id);
  if (!outcome.executed_version.empty()) headers.add("X-Amz-Executed-Version", outcome.executed_version);
  if (outcome.function_error) headers.add("X-Amz-Function-Error", "Unhandled");
  if (!outcome.log.empty()) headers.add("X-Amz-Log-Result", base64Encode(outcome.log));
}

}  // namespace

void respondError(net::Exchange& exchange, const contract::ApiError& error, std::string_view request_id) {
  net::Response response(error.status, "application/json", error.body());
  response.headers.add("x-amzn-ErrorType", error.name);
  response.headers.add("x-amzn-RequestId", request_id);
  if (error.status == 429) response.headers.add("Retry-After", "1");
  exchange.respond(std::move(response));
}

Front::Front(net::Loop& loop, Dispatcher& dispatcher, FrontOptions options, Resolver resolver, Control control)
    : loop_(loop),
      dispatcher_(dispatcher),
      options_(std::move(options)),
      resolver_(std::move(resolver)),
      control_(std::move(control)),
      server_(
          loop, serverOptions(options_.limits),
          [this](std::shared_ptr<net::Exchange> exchange) { onRequest(std::move(exchange)); },
          [this](const std::shared_ptr<net::Exchange>& exchange) { onHead(exchange); }) {}

void Front::onHead(const std::shared_ptr<net::Exchange>& exchange) {
  if (isInvocation(net::splitTarget(exchange->request.target).path)) {
    exchange->setBodyLimit(uint64_t(options_.limits.sync_payload.value));
  }
}

void Front::onRequest(std::shared_ptr<net::Exchange> exchange) {
  auto& request = exchange->request;
  if (options_.require) {
    auto verified = net::verifyRequest(request, *options_.require, loop_.clock().wall());
    if (!verified) {
      std::string_view text = verified.error().message;
      std::string_view name = text.starts_with("Missing")              ? "MissingAuthenticationTokenException"
                              : text.starts_with("The security token") ? "UnrecognizedClientException"
                                                                       : "InvalidSignatureException";
      return respondError(*exchange, contract::accessDenied(std::string(name), std::string(text)), ids_.uuid());
    }
  }
  auto [path, query] = net::splitTarget(request.target);
  bool url = request.headers.get("Host").find(".lambda-url.") != std::string_view::npos;
  if (url && extra_ && extra_(exchange)) return;
  auto match = contract::matchOperation(request.method, path, query);
  // Paths begin with the date of their API.
  if (match && !options_.limits.later_operations && match->info->path.substr(1, 10) > "2020-12-01") match.reset();
  if (!match && extra_ && extra_(exchange)) return;
  if (!match) return respondError(*exchange, contract::unknownOperation(), ids_.uuid());
  if (match->info->operation == contract::Operation::kInvoke ||
      match->info->operation == contract::Operation::kInvokeAsync) {
    return invoke(std::move(exchange), *match, false);
  }
  if (match->info->operation == contract::Operation::kInvokeWithResponseStream) {
    return invoke(std::move(exchange), *match, true);
  }
  if (control_) return control_(*match, std::move(exchange));
  respondError(*exchange, contract::serviceError("This operation is not supported here."), ids_.uuid());
}

std::optional<contract::ApiError> Front::checkRequest(net::Request& request, bool event) const {
  if (request.too_large) {
    return contract::tooLarge(fmt::format("Request must be smaller than {} bytes for the InvokeFunction operation",
                                          options_.limits.sync_payload.value));
  }
  int64_t async_limit = options_.limits.async_payload.value;
  if (event && int64_t(request.body.size()) > async_limit) {
    return contract::tooLarge(
        fmt::format("{} byte payload is too large for the Event invocation type (limit {} bytes)", request.body.size(),
                    async_limit));
  }
  if (request.body.empty()) request.body = "{}";
  if (contract::isJson(request.body)) return std::nullopt;
  return contract::invalidRequestContent(
      "Could not parse request body into json: Could not parse payload into json: the payload is not a JSON text");
}

void Front::invoke(std::shared_ptr<net::Exchange> exchange, const contract::OperationMatch& match, bool stream) {
  auto& request = exchange->request;
  auto invocation = std::make_unique<Invocation>();
  invocation->request_id = ids_.uuid();
  auto refuse = [&](const contract::ApiError& error) { respondError(*exchange, error, invocation->request_id); };
  std::string_view type = request.headers.get("X-Amz-Invocation-Type");
  bool old_form = match.info->operation == contract::Operation::kInvokeAsync;
  bool event = type == "Event" || old_form;
  if (!type.empty() && !event && type != "RequestResponse" && type != "DryRun") {
    return refuse(contract::validation(type, "invocationType",
                                       "Member must satisfy enum value set: [Event, RequestResponse, DryRun]"));
  }
  std::string_view log_type = request.headers.get("X-Amz-Log-Type");
  if (!log_type.empty() && log_type != "None" && log_type != "Tail") {
    return refuse(contract::validation(log_type, "logType", "Member must satisfy enum value set: [None, Tail]"));
  }
  std::string qualifier = net::queryValue(net::splitTarget(request.target).query, "Qualifier").value_or("");
  auto ref = contract::parseFunctionRef(options_.place, match.parameter("FunctionName"), qualifier);
  if (!ref) return refuse(ref.error());
  auto resolved = resolver_(*ref);
  if (!resolved) return refuse(resolved.error());
  if (auto error = checkRequest(request, event)) return refuse(*error);
  if (type == "DryRun") {
    net::Response response;
    response.status = 204;
    response.headers.add("x-amzn-RequestId", invocation->request_id);
    return exchange->respond(std::move(response));
  }
  if (std::string_view context = request.headers.get("X-Amz-Client-Context"); !context.empty()) {
    auto decoded = base64Decode(context);
    if (!decoded || int(context.size()) > options_.limits.max_client_context || !contract::isJson(*decoded)) {
      return refuse(contract::invalidRequestContent("Client context must be a valid Base64-encoded JSON object."));
    }
    invocation->client_context = std::move(*decoded);
  }
  invocation->version = std::move(resolved->version);
  invocation->invoked_arn = std::move(resolved->arn);
  invocation->payload = net::makeBody(std::move(request.body));
  invocation->trace_id = request.headers.get("X-Amzn-Trace-Id");
  if (invocation->trace_id.empty()) invocation->trace_id = ids_.trace(loop_.clock().wall().epoch_millis / 1000);
  invocation->tenant_id = request.headers.get("X-Amz-Tenant-Id");
  invocation->want_log = log_type == "Tail";
  if (event && !stream) {
    net::Response response;
    response.status = 202;
    if (old_form) response.body = net::makeBody(R"({"Status":202})");
    response.headers.add("x-amzn-RequestId", invocation->request_id);
    response.headers.add("X-Amzn-Trace-Id", invocation->trace_id);
    if (!events_) return dispatcher_.invoke(std::move(invocation));
    std::string id = invocation->request_id;
    if (auto taken = events_(std::move(invocation), *ref); !taken) return respondError(*exchange, taken.error(), id);
    return exchange->respond(std::move(response));
  }
  if (stream) return runStreaming(std::move(exchange), std::move(invocation));
  runSync(std::move(exchange), std::move(invocation));
}

void Front::runSync(std::shared_ptr<net::Exchange> exchange, std::unique_ptr<Invocation> invocation) {
  invocation->done = [exchange, request_id = invocation->request_id, trace = invocation->trace_id](Outcome outcome) {
    if (outcome.refused) return respondError(*exchange, *outcome.refused, request_id);
    net::Response response;
    response.headers.add("Content-Type", outcome.content_type);
    addInvokeHeaders(response.headers, outcome, request_id);
    response.headers.add("X-Amzn-Trace-Id", trace);
    response.body = outcome.payload ? std::move(outcome.payload) : net::makeBody("null");
    exchange->respond(std::move(response));
  };
  dispatcher_.invoke(std::move(invocation));
}

void Front::runStreaming(std::shared_ptr<net::Exchange> exchange, std::unique_ptr<Invocation> invocation) {
  auto begun = std::make_shared<bool>(false);
  std::string request_id = invocation->request_id;
  std::string version = invocation->version->version;
  auto begin = [exchange, begun, request_id, version](std::string_view content_type) {
    if (*begun) return;
    *begun = true;
    net::Headers headers;
    headers.add("Content-Type", "application/vnd.amazon.eventstream");
    headers.add("x-amzn-RequestId", request_id);
    headers.add("X-Amz-Executed-Version", version);
    if (!content_type.empty()) headers.add("X-Amzn-Remapped-Content-Type", content_type);
    exchange->startStream(200, std::move(headers));
  };
  auto chunk = [exchange](std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kMaxFrame))) {
      exchange->write(payloadChunk(bytes.substr(0, kMaxFrame)));
    }
  };
  invocation->on_begin = begin;
  invocation->on_chunk = chunk;
  invocation->unsent = [exchange] { return exchange->unsent(); };
  invocation->done = [exchange, begin, chunk, request_id](Outcome outcome) {
    if (outcome.refused) return respondError(*exchange, *outcome.refused, request_id);
    begin(outcome.content_type);
    std::string code, details;
    if (outcome.function_error) {
      code = outcome.error_type.empty() ? "Unhandled" : outcome.error_type;
      if (outcome.payload) details = *outcome.payload;
    } else if (outcome.payload) {
      chunk(*outcome.payload);
    }
    std::string log = outcome.log.empty() ? "" : base64Encode(outcome.log);
    exchange->write(invokeComplete(code, details, log));
    exchange->finish();
  };
  dispatcher_.invoke(std::move(invocation));
}

}  // namespace lectern::engine
