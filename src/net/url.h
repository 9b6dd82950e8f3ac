#pragma once
// Percent encoding and query strings.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lectern::net {

/// "%3A" -> ":"; nothing for a broken escape or a NUL. `plus_is_space` for query strings of forms.
std::optional<std::string> percentDecode(std::string_view text, bool plus_is_space = false);
/// Everything but A-Z a-z 0-9 - _ . ~ becomes %XX, as SigV4 wants it; `keep_slash` leaves "/".
std::string percentEncode(std::string_view text, bool keep_slash = false);

/// A request target taken apart; the path stays encoded.
struct Target {
  std::string_view path;
  std::string_view query;
};
Target splitTarget(std::string_view target);
/// Decoded pairs of a query string in their order; pairs with broken escapes are left out.
std::vector<std::pair<std::string, std::string>> parseQuery(std::string_view query);
std::optional<std::string> queryValue(std::string_view query, std::string_view key);

/// "http://host:port/base" in parts. Only http.
struct HostPort {
  std::string host;
  int port = 80;
  std::string base_path;
};
std::optional<HostPort> parseHttpUrl(std::string_view url);
/// "127.0.0.1:9000" or "[::1]:9000".
std::optional<HostPort> parseHostPort(std::string_view text);

}  // namespace lectern::net
