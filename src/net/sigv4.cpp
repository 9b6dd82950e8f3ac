#include "net/sigv4.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "base/hash.h"
#include "net/url.h"

namespace lectern::net {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  return out;
}

/// Trimmed, runs of spaces as one.
std::string canonicalValue(std::string_view value) {
  std::string out;
  for (char c : value) {
    if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
    out += c;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string canonicalQuery(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (auto& [key, value] : parseQuery(query)) pairs.emplace_back(percentEncode(key), percentEncode(value));
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (auto& [key, value] : pairs) {
    if (!out.empty()) out += '&';
    out += key + "=" + value;
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  for (;;) {
    size_t end = text.find(separator);
    out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

/// Signature of a request whose Headers hold all of `signed_headers` ("a;b;c").
std::string signatureOf(const Headers& headers, std::string_view method, std::string_view target,
                        std::string_view payload_hash, const std::string& signed_headers, const std::string& amz_date,
                        std::string_view region, std::string_view service, const std::string& secret) {
  Target parts = splitTarget(target);
  std::string canonical(method);
  // The path as sent is encoded once; every service but S3 signs it encoded twice.
  canonical += "\n" + percentEncode(parts.path, true) + "\n" + canonicalQuery(parts.query) + "\n";
  for (const auto& name : split(signed_headers, ';')) {
    canonical += name + ":" + canonicalValue(headers.get(name)) + "\n";
  }
  canonical += "\n" + signed_headers + "\n";
  canonical += payload_hash;
  std::string date = amz_date.substr(0, 8);
  std::string scope = date + "/" + std::string(region) + "/" + std::string(service) + "/aws4_request";
  std::string to_sign = "AWS4-HMAC-SHA256\n" + amz_date + "\n" + scope + "\n" + sha256Hex(canonical);
  std::string key = hmacSha256("AWS4" + secret, date);
  key = hmacSha256(key, region);
  key = hmacSha256(key, service);
  key = hmacSha256(key, "aws4_request");
  return toHex(hmacSha256(key, to_sign));
}

std::string amzDate(WallTime now) {
  time_t seconds = time_t(now.epoch_millis / 1000);
  tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
  return text;
}

std::optional<int64_t> parseAmzDate(const std::string& text) {
  tm utc{};
  const char* end = strptime(text.c_str(), "%Y%m%dT%H%M%SZ", &utc);
  if (!end || *end != '\0') return std::nullopt;
  return int64_t(timegm(&utc)) * 1000;
}

bool equalInConstantTime(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= (unsigned char)(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace

std::optional<SignatureScope> parseAuthorization(std::string_view header) {
  constexpr std::string_view kScheme = "AWS4-HMAC-SHA256 ";
  if (!header.starts_with(kScheme)) return std::nullopt;
  SignatureScope out;
  for (auto& part : split(header.substr(kScheme.size()), ',')) {
    std::string_view text = part;
    while (text.starts_with(' ')) text.remove_prefix(1);
    if (text.starts_with("Credential=")) {
      auto pieces = split(text.substr(11), '/');
      if (pieces.size() != 5) return std::nullopt;
      out.access_key = pieces[0];
      out.date = pieces[1];
      out.region = pieces[2];
      out.service = pieces[3];
    } else if (text.starts_with("SignedHeaders=")) {
      out.signed_headers = text.substr(14);
    } else if (text.starts_with("Signature=")) {
      out.signature = text.substr(10);
    }
  }
  if (out.access_key.empty() || out.signed_headers.empty() || out.signature.empty()) return std::nullopt;
  return out;
}

void signRequest(Headers& headers, std::string_view method, std::string_view target, std::string_view host,
                 std::string_view body, std::string_view region, std::string_view service,
                 const Credentials& credentials, WallTime now) {
  std::string date = amzDate(now);
  headers.set("Host", host);
  headers.set("X-Amz-Date", date);
  if (!credentials.session_token.empty()) headers.set("X-Amz-Security-Token", credentials.session_token);
  std::vector<std::string> names;
  for (size_t i = 0; i < headers.size(); ++i) {
    std::string name = lower(headers.name(i));
    if (name == "host" || name == "content-type" || name.starts_with("x-amz-")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string signed_headers;
  for (auto& name : names) signed_headers += (signed_headers.empty() ? "" : ";") + name;
  std::string signature = signatureOf(headers, method, target, sha256Hex(body), signed_headers, date, region, service,
                                      credentials.secret_key);
  headers.set("Authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key + "/" + date.substr(0, 8) +
                                   "/" + std::string(region) + "/" + std::string(service) +
                                   "/aws4_request, SignedHeaders=" + signed_headers + ", Signature=" + signature);
}

Result<void> verifyRequest(const Request& request, const Credentials& credentials, WallTime now) {
  auto authorization = request.headers.find("Authorization");
  if (!authorization) return fail(Code::kDenied, "Missing Authentication Token");
  auto scope = parseAuthorization(*authorization);
  if (!scope) return fail(Code::kDenied, "Authorization header requires existence of a SigV4 signature.");
  if (scope->access_key != credentials.access_key) {
    return fail(Code::kDenied, "The security token included in the request is invalid.");
  }
  std::string date(request.headers.get("X-Amz-Date"));
  auto sent = parseAmzDate(date);
  auto names = split(scope->signed_headers, ';');
  bool host_signed = std::find(names.begin(), names.end(), "host") != names.end();
  if (!sent || date.substr(0, 8) != scope->date || !host_signed) {
    return fail(Code::kDenied, "Authorization header is not complete: date and host have to be signed.");
  }
  if (std::llabs(*sent - now.epoch_millis) > 5 * 60 * 1000) {
    return fail(Code::kDenied, "Signature expired: " + date + " is not within 5 minutes of " + amzDate(now) + ".");
  }
  std::string wanted = signatureOf(request.headers, request.method, request.target, sha256Hex(request.body),
                                   scope->signed_headers, date, scope->region, scope->service, credentials.secret_key);
  if (equalInConstantTime(wanted, scope->signature)) return {};
  return fail(Code::kDenied,
              "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
              "Access Key and signing method. Consult the service documentation for details.");
}

}  // namespace lectern::net
