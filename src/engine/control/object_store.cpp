#include "engine/control/object_store.h"

#include <curl/curl.h>
#include <fmt/core.h>

#include <cstdlib>
#include <memory>

#include "base/files.h"
#include "base/log.h"
#include "net/url.h"

namespace lectern::engine {

namespace fs = std::filesystem;
using contract::ApiFailure;
using contract::ApiResult;

namespace {

constexpr long kConnectSeconds = 10, kTransferSeconds = 300;

ApiFailure refused(std::string_view code, std::string_view text) {
  return ApiFailure(contract::invalidParameter(
      fmt::format("Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}", code, text)));
}
ApiFailure noBucket() { return refused("NoSuchBucket", "The specified bucket does not exist"); }
ApiFailure noKey() { return refused("NoSuchKey", "The specified key does not exist."); }

/// Nothing that leaves the folder.
bool isPlain(std::string_view name) {
  return !name.empty() && name[0] != '/' && name.find("..") == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

struct Download {
  std::string bytes;
  int64_t most;
};

size_t keep(char* data, size_t size, size_t count, void* to) {
  auto& download = *static_cast<Download*>(to);
  size_t more = size * count;
  if (int64_t(download.bytes.size() + more) > download.most) return 0;
  download.bytes.append(data, more);
  return more;
}

/// What stands between <NAME> and </NAME> of an error document.
std::string element(const std::string& xml, const std::string& name) {
  size_t start = xml.find("<" + name + ">");
  if (start == std::string::npos) return "";
  start += name.size() + 2;
  size_t end = xml.find("</" + name + ">", start);
  return end == std::string::npos ? "" : xml.substr(start, std::min<size_t>(end - start, 200));
}

ApiResult<std::string> download(const std::string& endpoint, const std::string& region, const ObjectName& name,
                                Bytes most) {
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
  if (!curl) return ApiFailure(contract::serviceError("libcurl cannot be started"));
  std::string url = fmt::format("{}/{}/{}", endpoint.substr(0, endpoint.find_last_not_of('/') + 1),
                                net::percentEncode(name.bucket), net::percentEncode(name.key, true));
  if (!name.version.empty()) url += "?versionId=" + net::percentEncode(name.version);
  const char* key = getenv("AWS_ACCESS_KEY_ID");
  const char* secret = getenv("AWS_SECRET_ACCESS_KEY");
  std::string signing = "aws:amz:" + region + ":s3";
  if (key && secret) {
    curl_easy_setopt(curl.get(), CURLOPT_AWS_SIGV4, signing.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_USERNAME, key);
    curl_easy_setopt(curl.get(), CURLOPT_PASSWORD, secret);
  }
  Download into{"", most.value};
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &into);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, kTransferSeconds);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  CURLcode done = curl_easy_perform(curl.get());
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (done == CURLE_WRITE_ERROR) {
    return ApiFailure(contract::invalidParameter(fmt::format("Zipped size must be smaller than {} bytes", most.value)));
  }
  if (done != CURLE_OK) {
    logWarn("code from " + endpoint + ": " + curl_easy_strerror(done));
    return refused("ServiceUnavailable", "The object store does not answer.");
  }
  if (status == 200) return std::move(into.bytes);
  std::string code = element(into.bytes, "Code"), text = element(into.bytes, "Message");
  if (code.empty()) return status == 404 ? noKey() : refused(fmt::format("{}", status), "no further words");
  return refused(code, text);
}

}  // namespace

ApiResult<std::string> readObject(const fs::path& folder, const std::string& endpoint, const std::string& region,
                                  const ObjectName& name, Bytes most) {
  std::error_code error;
  if (!isPlain(name.bucket) || name.bucket.find('/') != std::string::npos) return noBucket();
  if (fs::is_directory(folder / name.bucket, error)) {
    if (!isPlain(name.key)) return noKey();
    auto bytes = readFile(folder / name.bucket / name.key, most);
    if (bytes) return std::move(*bytes);
    return noKey();
  }
  if (endpoint.empty()) return noBucket();
  return download(endpoint, region, name, most);
}

}  // namespace lectern::engine
