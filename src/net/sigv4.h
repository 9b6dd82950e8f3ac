#pragma once
// AWS Signature Version 4: signing and checking of requests.

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"

namespace lectern::net {

struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;
};

/// The parts of an Authorization header.
struct SignatureScope {
  std::string access_key, date, region, service;
  std::string signed_headers;  // "host;x-amz-date"
  std::string signature;
};
/// Nothing when the header is absent or of another scheme.
std::optional<SignatureScope> parseAuthorization(std::string_view header);

/// Adds X-Amz-Date, X-Amz-Security-Token and Authorization. `host` is the value of the Host header.
void signRequest(Headers& headers, std::string_view method, std::string_view target, std::string_view host,
                 std::string_view body, std::string_view region, std::string_view service,
                 const Credentials& credentials, WallTime now);

/// Whether the request was signed with these credentials within five minutes of `now`; kDenied with AWS's sentence.
Result<void> verifyRequest(const Request& request, const Credentials& credentials, WallTime now);

}  // namespace lectern::net
