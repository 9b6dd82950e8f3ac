#include "pack/endpoint.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <cstdlib>

#include "net/loop.h"
#include "net/sigv4.h"
#include "net/url.h"

namespace lectern::pack {

namespace {
constexpr long kTimeoutSeconds = 300;  // a bundle of 50 MB over a slow line
constexpr size_t kAnswerLimit = 16 << 20;
constexpr Nanos kPause{500'000'000};
constexpr int kLooks = 120;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

size_t keep(char* data, size_t size, size_t count, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + size * count > kAnswerLimit) return 0;
  body.append(data, size * count);
  return size * count;
}
}  // namespace

struct Endpoint::Impl {
  std::string scheme, host, base_path, region;  // host as in the Host header
  net::Credentials credentials;
  const Clock* clock = nullptr;
  CURL* curl = nullptr;
};

Endpoint::Endpoint(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Endpoint::~Endpoint() { curl_easy_cleanup(impl_->curl); }

Result<std::unique_ptr<Endpoint>> Endpoint::open(const std::string& url, std::string region, const Clock& clock) {
  const bool secure = url.starts_with("https://");
  const auto place = net::parseHttpUrl(secure ? "http://" + url.substr(8) : url);
  if (!place) {
    return fail(Code::kInvalid, fmt::format("endpoint '{}' is no address: give http://HOST:PORT or "
                                            "https://lambda.REGION.amazonaws.com", url));
  }
  auto impl = std::make_unique<Impl>();
  impl->scheme = secure ? "https" : "http";
  impl->host = place->port == 80 ? place->host : fmt::format("{}:{}", place->host, place->port);
  impl->base_path = place->base_path;
  impl->region = std::move(region);
  impl->credentials = {variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"), variable("AWS_SESSION_TOKEN")};
  if (secure && impl->credentials.access_key.empty()) {
    return fail(Code::kDenied, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, and Lambda takes signed requests only");
  }
  impl->clock = &clock;
  impl->curl = curl_easy_init();
  if (impl->curl == nullptr) return fail(Code::kInternal, "libcurl cannot be started");
  return std::unique_ptr<Endpoint>(new Endpoint(std::move(impl)));
}

Result<EndpointAnswer> Endpoint::send(const std::string& method, const std::string& path, const json::value& value) {
  const std::string body = value.is_null() ? "" : toJson(value);
  const std::string target = impl_->base_path + path;
  net::Headers headers;
  headers.add("Content-Type", "application/json");
  if (!impl_->credentials.access_key.empty()) {
    net::signRequest(headers, method, target, impl_->host, body, impl_->region, "lambda", impl_->credentials,
                     impl_->clock->wall());
  }
  curl_slist* list = curl_slist_append(nullptr, ("Host: " + impl_->host).c_str());
  list = curl_slist_append(list, "Expect:");
  for (size_t i = 0; i < headers.size(); ++i) {
    list = curl_slist_append(list, fmt::format("{}: {}", headers.name(i), headers.value(i)).c_str());
  }
  EndpointAnswer answer;
  char problem[CURL_ERROR_SIZE] = "";
  CURL* curl = impl_->curl;
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, fmt::format("{}://{}{}", impl_->scheme, impl_->host, target).c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
  if (!body.empty()) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  }
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, kTimeoutSeconds);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  if (impl_->scheme == "http") curl_easy_setopt(curl, CURLOPT_PROXY, "");  // the engine on this machine
  if (const auto bundle = variable("AWS_CA_BUNDLE"); !bundle.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, bundle.c_str());
  const CURLcode done = curl_easy_perform(curl);
  curl_slist_free_all(list);
  if (done != CURLE_OK) {
    return fail(Code::kUnavailable, fmt::format("{}://{}: {}", impl_->scheme, impl_->host,
                                                *problem != '\0' ? problem : curl_easy_strerror(done)));
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

Result<void> Endpoint::settled(const std::string& function) {
  for (int look = 0; look < kLooks; ++look) {
    TRY(const auto answer, send("GET", "/2015-03-31/functions/" + function + "/configuration", nullptr));
    if (answer.status / 100 != 2) return fail(Code::kUnavailable, fmt::format("'{}': {}", function, answer.body));
    TRY(const auto value, parseJson(answer.body));
    const json::object empty;
    const json::object& state = value.is_object() ? value.get_object() : empty;
    const std::string update = stringOr(state, "LastUpdateStatus", "Successful");
    if (update == "Failed") return fail(Code::kUnavailable, stringOr(state, "LastUpdateStatusReason", "the update failed"));
    if (stringOr(state, "State", "Active") != "Pending" && update != "InProgress") return {};
    net::Loop pause;
    pause.after(kPause, [&pause] { pause.stop(); });
    pause.run();
  }
  return fail(Code::kTimeout, fmt::format("'{}' is still being updated after a minute", function));
}

}  // namespace lectern::pack
