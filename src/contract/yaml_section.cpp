#include "contract/yaml_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace lectern::contract {

Failure YamlSection::fault(const YamlNode& at, const std::string& message) const {
  return fail(Code::kInvalid, fmt::format("{}: {}", at.place(file_), message));
}

void YamlSection::warn(const YamlNode& at, const std::string& message) const {
  warnings_.push_back(fmt::format("{}: {}", at.place(file_), message));
}

Result<void> YamlSection::check() const {
  if (node_ == nullptr || node_->isMap() || node_->kind == YamlNode::Kind::kNull) return {};
  return fault(*node_, fmt::format("'{}' must be a map", what_));
}

const YamlNode* YamlSection::get(std::string_view key) {
  read_.emplace(key);
  const YamlNode* value = node_ != nullptr ? node_->find(key) : nullptr;
  return value != nullptr && value->kind != YamlNode::Kind::kNull ? value : nullptr;
}

Result<std::string> YamlSection::text(std::string_view key, std::string otherwise) {
  const YamlNode* value = get(key);
  if (value == nullptr) return otherwise;
  if (!value->isScalar()) return fault(*value, fmt::format("'{}.{}' must be text", what_, key));
  return value->scalar;
}

Result<std::optional<int>> YamlSection::integer(std::string_view key, int64_t low, int64_t high) {
  const YamlNode* value = get(key);
  if (value == nullptr) return std::nullopt;
  const auto number = value->asInt();
  if (!number || *number < low || *number > high) {
    return fault(*value, fmt::format("'{}.{}' must be a whole number from {} to {}", what_, key, low, high));
  }
  return static_cast<int>(*number);
}

Result<bool> YamlSection::boolean(std::string_view key, bool otherwise) {
  const YamlNode* value = get(key);
  if (value == nullptr) return otherwise;
  const auto flag = value->asBool();
  if (!flag) return fault(*value, fmt::format("'{}.{}' must be true or false", what_, key));
  return *flag;
}

Result<std::vector<std::string>> YamlSection::texts(std::string_view key) {
  const YamlNode* value = get(key);
  std::vector<std::string> out;
  if (value == nullptr) return out;
  if (value->isScalar()) return std::vector<std::string>{value->scalar};
  if (!value->isList()) return fault(*value, fmt::format("'{}.{}' must be a list", what_, key));
  for (const YamlNode& item : value->list) {
    if (!item.isScalar()) return fault(item, fmt::format("'{}.{}' must hold texts only", what_, key));
    out.push_back(item.scalar);
  }
  return out;
}

Result<std::map<std::string, std::string>> YamlSection::textMap(std::string_view key) {
  const YamlNode* value = get(key);
  std::map<std::string, std::string> out;
  if (value == nullptr) return out;
  if (!value->isMap()) return fault(*value, fmt::format("'{}.{}' must be a map", what_, key));
  for (const auto& [name, item] : value->map) {
    if (item.isScalar()) {
      out[name.scalar] = item.scalar;
    } else if (item.isMap()) {
      warn(item, fmt::format("'{}.{}.{}' is a CloudFormation function; it stays unset here", what_, key, name.scalar));
    } else if (item.kind != YamlNode::Kind::kNull) {
      return fault(item, fmt::format("'{}.{}.{}' must be text", what_, key, name.scalar));
    }
  }
  return out;
}

YamlSection YamlSection::section(std::string_view key) {
  return YamlSection(get(key), file_, what_.empty() ? std::string(key) : fmt::format("{}.{}", what_, key), warnings_);
}

const std::vector<std::pair<YamlNode, YamlNode>>& YamlSection::entries() const {
  static const std::vector<std::pair<YamlNode, YamlNode>> kNone;
  return node_ != nullptr ? node_->map : kNone;
}

Result<void> YamlSection::finish(std::initializer_list<std::string_view> without_effect) {
  for (const auto& [key, value] : entries()) {
    if (read_.contains(key.scalar)) continue;
    const std::string name = what_.empty() ? key.scalar : what_ + "." + key.scalar;
    if (std::find(without_effect.begin(), without_effect.end(), key.scalar) == without_effect.end()) {
      return fault(key, fmt::format("unknown key '{}'", name));
    }
    warn(key, fmt::format("'{}' has no effect here", name));
  }
  return {};
}

namespace {
json::value scalarToJson(const YamlNode& node) {
  if (node.quoted) return json::value(node.scalar);
  if (const auto flag = node.asBool()) return json::value(*flag);
  if (const auto number = node.asInt()) return json::value(*number);
  double real = 0;
  const char* end = node.scalar.data() + node.scalar.size();
  const auto parsed = std::from_chars(node.scalar.data(), end, real);
  if (parsed.ec == std::errc() && parsed.ptr == end) return json::value(real);
  return json::value(node.scalar);
}
}  // namespace

json::value yamlToJson(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return nullptr;
    case YamlNode::Kind::kScalar:
      return scalarToJson(node);
    case YamlNode::Kind::kList: {
      json::array out;
      for (const auto& item : node.list) out.push_back(yamlToJson(item));
      return out;
    }
    case YamlNode::Kind::kMap: {
      json::object out;
      for (const auto& [key, value] : node.map) out[key.scalar] = yamlToJson(value);
      return out;
    }
  }
  return nullptr;
}

}  // namespace lectern::contract
