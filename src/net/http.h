#pragma once
// HTTP messages.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectern::net {

/// Header fields in their order; names compare without case. One buffer holds them all.
class Headers {
 public:
  void add(std::string_view name, std::string_view value);
  /// Replaces the first of that name, or adds.
  void set(std::string_view name, std::string_view value);
  std::optional<std::string_view> find(std::string_view name) const;
  /// The value, or "" when absent.
  std::string_view get(std::string_view name) const { return find(name).value_or(std::string_view{}); }
  size_t size() const { return fields_.size(); }
  std::string_view name(size_t i) const { return view(fields_[i].name, fields_[i].name_size); }
  std::string_view value(size_t i) const { return view(fields_[i].value, fields_[i].value_size); }
  void clear();

 private:
  struct Field {
    uint32_t name, name_size, value, value_size;
  };
  std::string_view view(uint32_t offset, uint32_t size) const { return std::string_view(text_).substr(offset, size); }
  std::string text_;
  std::vector<Field> fields_;
};

bool equalsIgnoreCase(std::string_view a, std::string_view b);

/// A body that several owners may hold; null is empty.
using Body = std::shared_ptr<const std::string>;
inline Body makeBody(std::string bytes) {
  return bytes.empty() ? Body{} : std::make_shared<const std::string>(std::move(bytes));
}

struct Request {
  std::string method;
  std::string target;  // as sent: path and query, encoded
  Headers headers;
  Headers trailers;  // of a chunked body
  std::string body;
  bool too_large = false;  // the body passed its limit and was thrown away
  bool truncated = false;  // the connection ended within the body; no answer can be sent when it is gone
  uint64_t body_size = 0;  // bytes that came, also when thrown away or streamed
};

struct Response {
  int status = 200;
  Headers headers;
  Body body;

  Response() = default;
  Response(int status_code, std::string_view content_type, std::string bytes)
      : status(status_code), body(makeBody(std::move(bytes))) {
    if (!content_type.empty()) headers.add("Content-Type", content_type);
  }
};

std::string_view reasonPhrase(int status);

/// Status line and header fields up to the empty line. `framing` is the line that says where the body ends.
void appendResponseHead(std::string& out, int status, const Headers& headers, std::string_view framing);

}  // namespace lectern::net
