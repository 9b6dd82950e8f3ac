#include "net/http.h"

#include <strings.h>

#include <algorithm>
#include <charconv>

namespace lectern::net {

bool equalsIgnoreCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

void Headers::add(std::string_view name, std::string_view value) {
  Field field;
  field.name = uint32_t(text_.size());
  field.name_size = uint32_t(name.size());
  text_ += name;
  field.value = uint32_t(text_.size());
  field.value_size = uint32_t(value.size());
  text_ += value;
  fields_.push_back(field);
}

void Headers::set(std::string_view name, std::string_view value) {
  for (auto& field : fields_) {
    if (equalsIgnoreCase(view(field.name, field.name_size), name)) {
      field.value = uint32_t(text_.size());
      field.value_size = uint32_t(value.size());
      text_ += value;
      return;
    }
  }
  add(name, value);
}

std::optional<std::string_view> Headers::find(std::string_view wanted) const {
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (equalsIgnoreCase(name(i), wanted)) return value(i);
  }
  return std::nullopt;
}

void Headers::clear() {
  text_.clear();
  fields_.clear();
}

std::string_view reasonPhrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Request Entity Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return status < 400 ? "OK" : "Error";
  }
}

namespace {
// A value from outside must not start a line of its own.
void appendValue(std::string& out, std::string_view value) {
  auto harmful = [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\t'; };
  size_t from = out.size();
  out += value;
  if (std::none_of(value.begin(), value.end(), harmful)) return;
  std::replace_if(out.begin() + long(from), out.end(), harmful, ' ');
}
}  // namespace

void appendResponseHead(std::string& out, int status, const Headers& headers, std::string_view framing) {
  char number[16];
  auto end = std::to_chars(number, number + sizeof number, status).ptr;
  out += "HTTP/1.1 ";
  out.append(number, end);
  out += ' ';
  out += reasonPhrase(status);
  out += "\r\n";
  for (size_t i = 0; i < headers.size(); ++i) {
    appendValue(out, headers.name(i));
    out += ": ";
    appendValue(out, headers.value(i));
    out += "\r\n";
  }
  out += framing;
  out += "\r\n";
}

}  // namespace lectern::net
