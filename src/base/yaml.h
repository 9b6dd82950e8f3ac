#pragma once
// YAML with the place of every value, so that configuration errors name line and column.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace lectern {

/// A parsed YAML value: scalar, list, map (keys in file order) or null. Lines and columns count from 1.
struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  bool quoted = false;  // a quoted scalar is text even when it looks like a number
  std::string scalar;
  std::vector<YamlNode> list;
  std::vector<std::pair<YamlNode, YamlNode>> map;
  int line = 0;
  int column = 0;

  const YamlNode* find(std::string_view key) const;
  bool isMap() const { return kind == Kind::kMap; }
  bool isList() const { return kind == Kind::kList; }
  bool isScalar() const { return kind == Kind::kScalar; }
  std::optional<int64_t> asInt() const;
  std::optional<bool> asBool() const;
  /// "serverless.yml:3:7"
  std::string place(std::string_view file) const;
};

/// Parses one YAML document of at most 1 MiB and depth 64; alias bombs are refused.
Result<YamlNode> parseYaml(std::string_view text, std::string_view file_name);

}  // namespace lectern
