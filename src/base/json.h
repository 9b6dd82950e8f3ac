#pragma once
// JSON through Boost.JSON without exceptions.

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lectern {

namespace json = boost::json;

/// Parses one JSON text (nesting at most 64 deep); kInvalid with the place of the fault otherwise.
Result<json::value> parseJson(std::string_view text);

/// One line, keys in insertion order, numbers in their shortest form.
std::string toJson(const json::value& value);

/// Indented by two spaces down to `levels` of nesting, each deeper value on one line; ends with a newline.
std::string toPrettyJson(const json::value& value, int levels = 64);

/// object[key] as the wanted kind, or the default when it is absent or of another kind.
std::string stringOr(const json::object& object, std::string_view key, std::string_view otherwise);
int64_t intOr(const json::object& object, std::string_view key, int64_t otherwise);
double doubleOr(const json::object& object, std::string_view key, double otherwise);
bool boolOr(const json::object& object, std::string_view key, bool otherwise);

}  // namespace lectern
