#include "base/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <charconv>

namespace lectern {

namespace {
constexpr size_t kMaxBytes = 1 << 20;
constexpr int kMaxDepth = 64;
constexpr int kMaxNodes = 100'000;

struct Converter {
  int nodes = 0;

  Result<YamlNode> convert(const YAML::Node& node, int depth) {
    if (depth > kMaxDepth || ++nodes > kMaxNodes) return fail(Code::kTooLarge, "YAML is nested too deep or too large");
    YamlNode out;
    out.line = node.Mark().line + 1;
    out.column = node.Mark().column + 1;
    if (node.IsScalar()) {
      out.kind = YamlNode::Kind::kScalar;
      out.scalar = node.Scalar();
      out.quoted = node.Tag() == "!";
    } else if (node.IsSequence()) {
      out.kind = YamlNode::Kind::kList;
      for (const auto& item : node) {
        TRY(auto child, convert(item, depth + 1));
        out.list.push_back(std::move(child));
      }
    } else if (node.IsMap()) {
      out.kind = YamlNode::Kind::kMap;
      for (const auto& entry : node) {
        TRY(auto key, convert(entry.first, depth + 1));
        TRY(auto value, convert(entry.second, depth + 1));
        if (out.find(key.scalar) != nullptr) {
          return fail(Code::kInvalid, fmt::format("{}:{}: key '{}' is given twice", key.line, key.column, key.scalar));
        }
        out.map.emplace_back(std::move(key), std::move(value));
      }
    }
    return out;
  }
};
}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const auto& [k, v] : map) {
    if (k.scalar == key) return &v;
  }
  return nullptr;
}

std::optional<int64_t> YamlNode::asInt() const {
  if (!isScalar() || scalar.empty()) return std::nullopt;
  int64_t value = 0;
  const auto [end, ec] = std::from_chars(scalar.data(), scalar.data() + scalar.size(), value);
  if (ec != std::errc() || end != scalar.data() + scalar.size()) return std::nullopt;
  return value;
}

std::optional<bool> YamlNode::asBool() const {
  if (!isScalar() || quoted) return std::nullopt;
  if (scalar == "true" || scalar == "True" || scalar == "yes") return true;
  if (scalar == "false" || scalar == "False" || scalar == "no") return false;
  return std::nullopt;
}

std::string YamlNode::place(std::string_view file) const { return fmt::format("{}:{}:{}", file, line, column); }

Result<YamlNode> parseYaml(std::string_view text, std::string_view file_name) {
  if (text.size() > kMaxBytes) return fail(Code::kTooLarge, fmt::format("{} is larger than 1 MiB", file_name));
  try {
    auto converted = Converter().convert(YAML::Load(std::string(text)), 0);
    if (!converted) return Failure(converted.error().with(file_name));
    return converted;
  } catch (const YAML::Exception& e) {
    return fail(Code::kInvalid, fmt::format("{}:{}:{}: {}", file_name, e.mark.line + 1, e.mark.column + 1, e.msg));
  }
}

}  // namespace lectern
