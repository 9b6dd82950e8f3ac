#include "base/json.h"

#include <fmt/format.h>

#include <cmath>

namespace lectern {

Result<json::value> parseJson(std::string_view text) {
  json::parse_options options;
  options.max_depth = 64;
  json::stream_parser parser({}, options);
  json::error_code ec;
  const size_t used = parser.write_some(text.data(), text.size(), ec);
  if (!ec) parser.finish(ec);
  if (ec) return fail(Code::kInvalid, fmt::format("JSON fault near byte {}: {}", used, ec.message()));
  if (text.find_first_not_of(" \t\r\n", used) != std::string_view::npos) {
    return fail(Code::kInvalid, fmt::format("text after the JSON value at byte {}", used));
  }
  return parser.release();
}

namespace {

void indent(std::string& out, int depth) { out.append(static_cast<size_t>(depth) * 2, ' '); }

void scalar(std::string& out, const json::value& value) {
  if (const double* number = value.if_double(); number != nullptr) {
    // The shortest text that reads back as the same number; JSON has no infinities.
    out += std::isfinite(*number) ? fmt::format("{}", *number) : "null";
  } else {
    out += json::serialize(value);
  }
}

bool isFlat(const json::array& array) {
  for (const auto& v : array) {
    if (v.is_structured()) return false;
  }
  return true;
}

/// Writes a value; containers above `levels` get a line for each member.
void write(std::string& out, const json::value& value, int depth, int levels) {
  const auto* object = value.if_object();
  const auto* array = value.if_array();
  if (object == nullptr && array == nullptr) return scalar(out, value);
  const bool empty = object != nullptr ? object->empty() : array->empty();
  const bool broken = depth < levels && !empty && (object != nullptr || !isFlat(*array));
  const size_t count = object != nullptr ? object->size() : array->size();
  size_t i = 0;
  const auto separate = [&] {
    if (i++ > 0) out += ',';
    if (broken) {
      out += '\n';
      indent(out, depth + 1);
    }
  };
  out += object != nullptr ? '{' : '[';
  if (object != nullptr) {
    for (const auto& [key, v] : *object) {
      separate();
      out += json::serialize(key);
      out += broken ? ": " : ":";
      write(out, v, depth + 1, levels);
    }
  } else {
    for (const auto& v : *array) {
      separate();
      write(out, v, depth + 1, levels);
    }
  }
  if (broken && count > 0) {
    out += '\n';
    indent(out, depth);
  }
  out += object != nullptr ? '}' : ']';
}

}  // namespace

std::string toJson(const json::value& value) {
  std::string out;
  write(out, value, 0, 0);
  return out;
}

std::string toPrettyJson(const json::value& value, int levels) {
  std::string out;
  write(out, value, 0, levels);
  out += '\n';
  return out;
}

std::string stringOr(const json::object& object, std::string_view key, std::string_view otherwise) {
  const auto* v = object.if_contains(key);
  return v != nullptr && v->is_string() ? std::string(v->get_string()) : std::string(otherwise);
}

int64_t intOr(const json::object& object, std::string_view key, int64_t otherwise) {
  const auto* v = object.if_contains(key);
  if (v == nullptr || !v->is_number()) return otherwise;
  json::error_code ec;
  const auto n = v->to_number<int64_t>(ec);
  return ec ? otherwise : n;
}

double doubleOr(const json::object& object, std::string_view key, double otherwise) {
  const auto* v = object.if_contains(key);
  if (v == nullptr || !v->is_number()) return otherwise;
  json::error_code ec;
  const auto n = v->to_number<double>(ec);
  return ec ? otherwise : n;
}

bool boolOr(const json::object& object, std::string_view key, bool otherwise) {
  const auto* v = object.if_contains(key);
  return v != nullptr && v->is_bool() ? v->get_bool() : otherwise;
}

}  // namespace lectern
