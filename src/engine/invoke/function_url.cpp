#include "engine/invoke/function_url.h"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>

#include "base/hash.h"
#include "engine/control/control.h"
#include "net/url.h"

namespace lectern::engine {

namespace {

constexpr std::string_view kPathForm = "/lambda-url/";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  return out;
}

bool isText(std::string_view type) {
  type = type.substr(0, type.find(';'));
  return type.empty() || type.starts_with("text/") || type == "application/json" || type == "application/xml" ||
         type == "application/javascript" || type == "application/x-www-form-urlencoded" || type.ends_with("+json");
}

/// "24/Nov/2026:10:00:00 +0000".
std::string accessTime(int64_t epoch_ms) {
  time_t seconds = time_t(epoch_ms / 1000);
  tm utc{};
  gmtime_r(&seconds, &utc);
  char text[40];
  strftime(text, sizeof text, "%d/%b/%Y:%H:%M:%S +0000", &utc);
  return text;
}

void addHeaders(net::Headers& headers, const json::object& answer) {
  for (auto& [name, value] : objectAt(answer, "headers")) {
    std::string text = value.is_string() ? std::string(value.as_string().c_str()) : toJson(value);
    std::string key(name);
    if (lower(key) == "content-length" || lower(key) == "transfer-encoding") continue;
    headers.set(key, text);
  }
  if (auto* cookies = answer.if_contains("cookies"); cookies && cookies->is_array()) {
    for (auto& cookie : cookies->as_array()) {
      if (cookie.is_string()) headers.add("Set-Cookie", cookie.as_string().c_str());
    }
  }
}

net::Response internalError() { return net::Response(502, "text/plain", "Internal Server Error"); }

/// A streamed HTTP answer begins with its status and headers as JSON, {statusCode, headers, cookies}, and eight NUL bytes.
constexpr std::string_view kPreludeType = "application/vnd.awslambda.http-integration-response";
constexpr size_t kPreludeLimit = 1 << 20;

/// Takes the prelude off `bytes`; nothing while it is not complete.
std::optional<json::object> takePrelude(std::string& bytes) {
  size_t end = bytes.find(std::string_view("\0\0\0\0\0\0\0\0", 8));
  if (end == std::string::npos) return std::nullopt;
  auto parsed = parseJson(std::string_view(bytes).substr(0, end));
  bytes.erase(0, end + 8);
  return parsed && parsed->is_object() ? parsed->as_object() : json::object{};
}

bool statusOf(const json::object& answer, int& status) {
  int64_t given = intOr(answer, "statusCode", 200);
  status = int(given);
  return given >= 100 && given <= 599;
}

net::Response responseOf(const Outcome& outcome) {
  if (outcome.refused) {
    int status = outcome.refused->status == 429 ? 429 : 502;
    return net::Response(
        status, "application/json",
        status == 429 ? R"({"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."})"
                      : R"({"Message":"Internal Server Error"})");
  }
  if (outcome.function_error) return internalError();
  std::string payload = outcome.payload ? *outcome.payload : "null";
  int status = 200;
  if (outcome.content_type == kPreludeType) {
    // A streaming function behind a URL that is not.
    auto prelude = takePrelude(payload);
    if (!prelude || !statusOf(*prelude, status)) return internalError();
    net::Response response(status, "application/octet-stream", std::move(payload));
    addHeaders(response.headers, *prelude);
    return response;
  }
  auto parsed = parseJson(payload);
  bool shaped = parsed && parsed->is_object() && parsed->as_object().contains("statusCode");
  if (!shaped) return net::Response(200, "application/json", std::move(payload));
  const json::object& answer = parsed->as_object();
  if (!statusOf(answer, status)) return internalError();
  std::string body = stringOr(answer, "body", "");
  if (boolOr(answer, "isBase64Encoded", false)) {
    auto decoded = base64Decode(body);
    if (!decoded) return internalError();
    body = std::move(*decoded);
  }
  net::Response response(status, "application/json", std::move(body));
  addHeaders(response.headers, answer);
  return response;
}

/// What a caller of a streaming URL gets while the function answers.
class StreamedAnswer {
 public:
  StreamedAnswer(std::shared_ptr<net::Exchange> exchange, std::string_view type)
      : exchange_(std::move(exchange)), in_prelude_(type == kPreludeType) {
    if (in_prelude_) return;
    net::Headers headers;
    headers.add("Content-Type", type.empty() ? "application/octet-stream" : type);
    exchange_->startStream(200, std::move(headers));
  }
  void add(std::string_view bytes) {
    if (!in_prelude_) return exchange_->write(bytes);
    prelude_ += bytes;
    auto answer = takePrelude(prelude_);
    if (!answer && prelude_.size() <= kPreludeLimit) return;
    in_prelude_ = false;
    int status = 200;
    if (!answer || !statusOf(*answer, status)) return exchange_->respond(internalError());
    net::Headers headers;
    headers.add("Content-Type", "application/octet-stream");
    addHeaders(headers, *answer);
    exchange_->startStream(status, std::move(headers));
    exchange_->write(prelude_);
    prelude_.clear();
  }
  void end(bool failed) {
    if (in_prelude_) return exchange_->respond(internalError());
    // The status is out: only a cut answer tells the caller.
    failed ? exchange_->abort() : exchange_->finish();
  }

 private:
  std::shared_ptr<net::Exchange> exchange_;
  bool in_prelude_;
  std::string prelude_;
};

}  // namespace

std::optional<FunctionUrls::Address> FunctionUrls::addressOf(const net::Request& request) const {
  std::string_view host = request.headers.get("Host");
  if (size_t dot = host.find(".lambda-url."); dot != std::string_view::npos) {
    return Address{std::string(host.substr(0, dot)), std::string(net::splitTarget(request.target).path)};
  }
  std::string_view path = net::splitTarget(request.target).path;
  if (!path.starts_with(kPathForm)) return std::nullopt;
  path.remove_prefix(kPathForm.size());
  size_t slash = path.find('/');
  return Address{std::string(path.substr(0, slash)),
                 slash == std::string_view::npos ? "/" : std::string(path.substr(slash))};
}

std::string FunctionUrls::eventOf(const net::Exchange& exchange, const Address& address,
                                  const std::string& request_id) const {
  const net::Request& request = exchange.request;
  json::object headers, parameters;
  json::array cookies;
  for (size_t i = 0; i < request.headers.size(); ++i) {
    std::string name = lower(request.headers.name(i)), value(request.headers.value(i));
    if (name == "cookie") {
      for (size_t at = 0; at <= value.size();) {
        size_t end = std::min(value.find("; ", at), value.size());
        cookies.emplace_back(value.substr(at, end - at));
        at = end + 2;
      }
      continue;
    }
    auto* earlier = headers.if_contains(name);
    headers[name] = earlier ? std::string(earlier->as_string().c_str()) + "," + value : value;
  }
  std::string_view query = net::splitTarget(request.target).query;
  for (auto& [key, value] : net::parseQuery(query)) {
    auto* earlier = parameters.if_contains(key);
    parameters[key] = earlier ? std::string(earlier->as_string().c_str()) + "," + value : value;
  }
  int64_t now = loop_.clock().wall().epoch_millis;
  std::string domain = address.id + ".lambda-url." + registry_.options().place.region + ".on.aws";
  auto path = net::percentDecode(address.path);
  json::object http = {{"method", request.method},
                       {"path", path ? *path : address.path},
                       {"protocol", "HTTP/1.1"},
                       {"sourceIp", exchange.peerAddress()},
                       {"userAgent", request.headers.get("User-Agent")}};
  json::object context = {
      {"accountId", "anonymous"}, {"apiId", address.id},     {"domainName", domain},   {"domainPrefix", address.id},
      {"http", std::move(http)},  {"requestId", request_id}, {"routeKey", "$default"}, {"stage", "$default"},
      {"time", accessTime(now)},  {"timeEpoch", now}};
  json::object event = {{"version", "2.0"},
                        {"routeKey", "$default"},
                        {"rawPath", path ? *path : address.path},
                        {"rawQueryString", query}};
  if (!cookies.empty()) event["cookies"] = std::move(cookies);
  event["headers"] = std::move(headers);
  if (!parameters.empty()) event["queryStringParameters"] = std::move(parameters);
  event["requestContext"] = std::move(context);
  bool text = isText(request.headers.get("Content-Type"));
  if (!request.body.empty()) event["body"] = text ? request.body : base64Encode(request.body);
  event["isBase64Encoded"] = !request.body.empty() && !text;
  return toJson(event);
}

bool FunctionUrls::handle(const std::shared_ptr<net::Exchange>& exchange) {
  auto address = addressOf(exchange->request);
  if (!address) return false;
  std::string wanted = "https://" + address->id + ".";
  for (auto& [name, function] : registry_.functions()) {
    for (auto& [qualifier, url] : function.urls) {
      if (!stringOr(url, "FunctionUrl", "").starts_with(wanted)) continue;
      auto resolved = registry_.resolve({name, qualifier});
      if (!resolved) break;
      bool iam = stringOr(url, "AuthType", "NONE") == "AWS_IAM";
      if (iam && !exchange->request.headers.find("Authorization")) {
        exchange->respond(net::Response(403, "application/json", R"({"Message":"Forbidden"})"));
        return true;
      }
      auto invocation = std::make_unique<Invocation>();
      invocation->request_id = ids_.uuid();
      invocation->version = resolved->version;
      invocation->invoked_arn = resolved->arn;
      invocation->trace_id = ids_.trace(loop_.clock().wall().epoch_millis / 1000);
      std::string event = eventOf(*exchange, *address, invocation->request_id);
      if (event.size() > size_t(registry_.options().limits.sync_payload.value)) {
        exchange->respond(net::Response(413, "application/json", R"({"Message":"Request Entity Too Large"})"));
        return true;
      }
      invocation->payload = net::makeBody(std::move(event));
      if (stringOr(url, "InvokeMode", "BUFFERED") == "RESPONSE_STREAM") {
        stream(exchange, std::move(invocation));
        return true;
      }
      invocation->done = [exchange](Outcome outcome) { exchange->respond(responseOf(outcome)); };
      dispatcher_.invoke(std::move(invocation));
      return true;
    }
  }
  exchange->respond(net::Response(403, "application/json", R"({"Message":"Forbidden"})"));
  return true;
}

void FunctionUrls::stream(const std::shared_ptr<net::Exchange>& exchange, std::unique_ptr<Invocation> invocation) {
  auto answer = std::make_shared<std::optional<StreamedAnswer>>();
  invocation->on_begin = [exchange, answer](std::string_view type) { answer->emplace(exchange, type); };
  invocation->on_chunk = [answer](std::string_view bytes) { (*answer)->add(bytes); };
  invocation->unsent = [exchange] { return exchange->unsent(); };
  invocation->done = [exchange, answer](Outcome outcome) {
    if (!answer->has_value()) return exchange->respond(responseOf(outcome));
    (*answer)->end(outcome.function_error);
  };
  dispatcher_.invoke(std::move(invocation));
}

}  // namespace lectern::engine
