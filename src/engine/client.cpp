#include "engine/client.h"

#include <poll.h>

#include <cstdlib>
#include <map>

#include "base/clock.h"
#include "base/hash.h"
#include "net/http_client.h"
#include "net/sigv4.h"
#include "net/url.h"

namespace lectern::engine {

namespace {

std::string environmentOr(const char* name, std::string otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? value : otherwise;
}

constexpr Nanos kLongest = std::chrono::minutes(16);  // the longest function and a start

}  // namespace

Client::Client(std::string endpoint) : endpoint_(std::move(endpoint)) {
  if (endpoint_.empty()) {
    endpoint_ = environmentOr("AWS_ENDPOINT_URL_LAMBDA", environmentOr("AWS_ENDPOINT_URL", "http://127.0.0.1:9000"));
  }
}

Result<RemoteResult> Client::invoke(const RemoteInvoke& arguments) const {
  auto where = net::parseHttpUrl(endpoint_);
  if (!where) return fail(Code::kInvalid, "endpoint " + endpoint_ + ": only http://HOST:PORT is supported");
  net::HttpClient http(where->host, where->port);
  net::ClientRequest request;
  request.method = "POST";
  request.timeout = kLongest;
  request.target =
      where->base_path + "/2015-03-31/functions/" + net::percentEncode(arguments.function) + "/invocations";
  if (!arguments.qualifier.empty()) request.target += "?Qualifier=" + net::percentEncode(arguments.qualifier);
  request.headers.add("Content-Type", "application/json");
  request.headers.add("X-Amz-Invocation-Type", arguments.type);
  if (arguments.want_log) request.headers.add("X-Amz-Log-Type", "Tail");
  request.body = arguments.payload;
  net::Credentials credentials{environmentOr("AWS_ACCESS_KEY_ID", ""), environmentOr("AWS_SECRET_ACCESS_KEY", ""),
                               environmentOr("AWS_SESSION_TOKEN", "")};
  if (!credentials.access_key.empty()) {
    net::signRequest(request.headers, request.method, request.target, where->host + ":" + std::to_string(where->port),
                     request.body, environmentOr("AWS_REGION", environmentOr("AWS_DEFAULT_REGION", "us-east-1")),
                     "lambda", credentials, RealClock().wall());
  }
  TRY(auto response, http.send(request));
  RemoteResult result;
  result.status = response.status;
  result.payload = std::move(response.body);
  result.function_error = response.headers.get("X-Amz-Function-Error");
  result.executed_version = response.headers.get("X-Amz-Executed-Version");
  if (auto log = base64Decode(response.headers.get("X-Amz-Log-Result"))) result.log = std::move(*log);
  return result;
}

Result<std::string> Client::get(const std::string& target) const {
  auto where = net::parseHttpUrl(endpoint_);
  if (!where) return fail(Code::kInvalid, "endpoint " + endpoint_ + ": only http://HOST:PORT is supported");
  net::HttpClient http(where->host, where->port);
  net::ClientRequest request;
  request.target = where->base_path + target;
  request.timeout = Seconds(10);
  TRY(auto response, http.send(request));
  if (response.status == 200) return std::move(response.body);
  if (response.status == 404)
    return fail(Code::kNotFound, endpoint_ + " is not a Lectern engine, or knows no such log");
  return fail(Code::kUnavailable, endpoint_ + target + ": status " + std::to_string(response.status));
}

Result<json::object> Client::status() const {
  TRY(std::string text, get("/lectern/status"));
  TRY(json::value value, parseJson(text));
  if (!value.is_object()) return fail(Code::kCorrupt, "the engine's status is not an object");
  return value.as_object();
}

Result<void> Client::logs(const std::string& function, bool follow, const std::atomic<bool>& stop,
                          const std::function<void(std::string_view)>& sink) const {
  std::map<std::string, int64_t> seen;
  std::string base = "/lectern/logs?function=" + net::percentEncode(function);
  for (bool first = true; !stop; first = false) {
    TRY(std::string text, get(base));
    TRY(json::value list, parseJson(text));
    auto* streams = list.is_object() ? list.as_object().if_contains("streams") : nullptr;
    if (!streams || !streams->is_array()) return fail(Code::kCorrupt, "the engine's list of logs is damaged");
    if (first && !follow && streams->as_array().empty())
      return fail(Code::kNotFound, "no log of " + function + " yet");
    for (auto& item : streams->as_array()) {
      if (!item.is_object()) continue;
      std::string name = stringOr(item.as_object(), "name", "");
      int64_t size = intOr(item.as_object(), "size", 0);
      int64_t& at = seen[name];
      if (size < at) at = 0;  // cut to its newest part
      while (at < size && !stop) {
        TRY(std::string part, get(base + "&stream=" + net::percentEncode(name) + "&offset=" + std::to_string(at)));
        if (part.empty()) break;
        at += int64_t(part.size());
        sink(part);
      }
    }
    if (!follow) break;
    poll(nullptr, 0, 300);
  }
  return {};
}

}  // namespace lectern::engine
