#include "contract/names.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace lectern::contract {

namespace {

bool isWord(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool isQualifier(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '$' || isWord({&c, 1}); });
}

std::vector<std::string_view> splitColons(std::string_view text) {
  std::vector<std::string_view> out;
  for (;;) {
    size_t end = text.find(':');
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

constexpr std::string_view kNamePattern =
    "Member must satisfy regular expression pattern: "
    "(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?"
    "([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?";

}  // namespace

bool isFunctionName(std::string_view name) { return isWord(name) && name.size() <= 64; }
bool isVersionNumber(std::string_view name) {
  return !name.empty() && name.size() <= 18 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return c >= '0' && c <= '9'; });
}
bool isAliasName(std::string_view name) { return isWord(name) && name.size() <= 128 && !isVersionNumber(name); }

ApiResult<FunctionRef> parseFunctionRef(const Place& place, std::string_view text, std::string_view qualifier) {
  FunctionRef ref;
  auto parts = splitColons(text);
  std::string_view inner;
  auto bad = [&] { return ApiFailure(validation(text, "functionName", kNamePattern)); };
  if (parts[0] == "arn") {
    // arn:aws:lambda:region:account:function:name[:qualifier]
    if (parts.size() < 7 || parts.size() > 8 || parts[2] != "lambda" || parts[5] != "function") return bad();
    if (parts[3] != place.region) {
      return ApiFailure(notFound(
          fmt::format("Functions from '{}' are not reachable in this region ('{}')", parts[3], place.region)));
    }
    ref.name = parts[6];
    if (parts.size() == 8) inner = parts[7];
  } else {
    // [account:][function:]name[:qualifier]
    size_t at = parts.size() > 1 && parts[0].size() == 12 && isVersionNumber(parts[0]) ? 1 : 0;
    if (parts.size() > at + 1 && parts[at] == "function") ++at;
    if (parts.size() > at + 2) return bad();
    ref.name = parts[at];
    if (parts.size() == at + 2) inner = parts[at + 1];
  }
  if (ref.name.size() > 64 && isWord(ref.name)) {
    // Not a ValidationException, though it says so.
    return ApiFailure(invalidParameter(
        validation(ref.name, "functionName", "Member must have length less than or equal to 64").message));
  }
  if (!isWord(ref.name)) return bad();
  bool inner_ok = inner.empty() || inner == "$LATEST" || isWord(inner);
  if (!inner_ok) return bad();
  if (!qualifier.empty() && !isQualifier(qualifier)) {
    return ApiFailure(validation(
        qualifier, "qualifier",
        "Member must satisfy regular expression pattern: \\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"));
  }
  if (!inner.empty() && !qualifier.empty() && inner != qualifier) {
    return ApiFailure(
        invalidParameter("The derived qualifier from the function name does not match the specified qualifier."));
  }
  ref.qualifier = inner.empty() ? qualifier : inner;
  return ref;
}

std::string functionArn(const Place& place, std::string_view name, std::string_view qualifier) {
  std::string arn = fmt::format("arn:aws:lambda:{}:{}:function:{}", place.region, place.account, name);
  if (!qualifier.empty()) arn.append(":").append(qualifier);
  return arn;
}

std::string layerArn(const Place& place, std::string_view name, int64_t version) {
  std::string arn = fmt::format("arn:aws:lambda:{}:{}:layer:{}", place.region, place.account, name);
  if (version > 0) arn += ":" + std::to_string(version);
  return arn;
}

std::optional<LayerRef> parseLayerVersionArn(std::string_view arn) {
  auto parts = splitColons(arn);
  if (parts.size() != 8 || parts[0] != "arn" || parts[2] != "lambda" || parts[5] != "layer") return std::nullopt;
  LayerRef ref{std::string(parts[6]), 0};
  auto [end, error] = std::from_chars(parts[7].data(), parts[7].data() + parts[7].size(), ref.version);
  if (error != std::errc{} || end != parts[7].data() + parts[7].size() || !isWord(ref.name)) return std::nullopt;
  return ref;
}

std::string logGroup(std::string_view name) { return "/aws/lambda/" + std::string(name); }

}  // namespace lectern::contract
