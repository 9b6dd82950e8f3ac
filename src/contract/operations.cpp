#include "contract/operations.h"

namespace lectern::contract {

namespace {

constexpr OperationInfo kOperations[] = {
#define LECTERN_ROW(name, method, path, status) {Operation::k##name, #name, method, path, status},
    LECTERN_OPERATIONS(LECTERN_ROW)
#undef LECTERN_ROW
};

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Undoes %XX; false for broken escapes and NUL.
bool decode(std::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      int high = i + 2 < text.size() ? hexDigit(text[i + 1]) : -1;
      int low = i + 2 < text.size() ? hexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0 || high + low == 0) return false;
      c = char(high * 16 + low);
      i += 2;
    }
    out += c;
  }
  return true;
}

std::string_view nextSegment(std::string_view& path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  size_t end = path.find('/');
  std::string_view segment = path.substr(0, end);
  path.remove_prefix(segment.size());
  return segment;
}

bool matchPath(std::string_view pattern, std::string_view path, OperationMatch& match) {
  match.parameters.clear();
  while (pattern.size() > 1 || path.size() > 1) {
    std::string_view wanted = nextSegment(pattern), got = nextSegment(path);
    if (got.empty() || wanted.empty()) return false;
    if (!wanted.starts_with('{')) {
      if (wanted != got) return false;
      continue;
    }
    std::string value;
    if (!decode(got, value)) return false;
    match.parameters.emplace_back(wanted.substr(1, wanted.size() - 2), std::move(value));
  }
  return true;
}

bool hasParameter(std::string_view query, std::string_view wanted) {
  while (!query.empty()) {
    size_t end = query.find('&');
    if (query.substr(0, end) == wanted) return true;
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace

std::string_view OperationMatch::parameter(std::string_view name) const {
  for (auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return {};
}

std::optional<OperationMatch> matchOperation(std::string_view method, std::string_view path, std::string_view query) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  std::optional<OperationMatch> found;
  for (auto& info : operations()) {
    if (info.method != method) continue;
    std::string_view pattern = info.path, needed;
    if (size_t mark = pattern.find('?'); mark != std::string_view::npos) {
      needed = pattern.substr(mark + 1);
      pattern = pattern.substr(0, mark);
    }
    if (!needed.empty() && !hasParameter(query, needed)) continue;
    if (needed.empty() && found) continue;
    OperationMatch match;
    if (!matchPath(pattern, path, match)) continue;
    match.info = &info;
    // A path that is told apart by its query is the more specific one.
    if (!found || !needed.empty()) found = std::move(match);
    if (info.operation == Operation::kInvoke) break;  // the hot one stands first
  }
  return found;
}

std::span<const OperationInfo> operations() { return kOperations; }

}  // namespace lectern::contract
