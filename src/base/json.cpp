#include "base/json.h"

#include <fmt/format.h>

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

std::string toJson(const json::value& value) { return json::serialize(value); }

namespace {
void indent(std::string& out, int depth) { out.append(static_cast<size_t>(depth) * 2, ' '); }

bool isFlat(const json::array& array) {
  for (const auto& v : array) {
    if (v.is_structured()) return false;
  }
  return true;
}

void pretty(std::string& out, const json::value& value, int depth) {
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    out += "{\n";
    size_t i = 0;
    for (const auto& [key, v] : *object) {
      indent(out, depth + 1);
      out += json::serialize(key) + ": ";
      pretty(out, v, depth + 1);
      out += ++i < object->size() ? ",\n" : "\n";
    }
    indent(out, depth);
    out += "}";
  } else if (const auto* array = value.if_array(); array != nullptr && !isFlat(*array)) {
    out += "[\n";
    for (size_t i = 0; i < array->size(); ++i) {
      indent(out, depth + 1);
      pretty(out, (*array)[i], depth + 1);
      out += i + 1 < array->size() ? ",\n" : "\n";
    }
    indent(out, depth);
    out += "]";
  } else {
    out += json::serialize(value);
  }
}
}  // namespace

std::string toPrettyJson(const json::value& value) {
  std::string out;
  pretty(out, value, 0);
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
