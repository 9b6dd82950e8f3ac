#pragma once
// One map of a configuration file: typed reading of its keys, and a fault for those nobody asked for.

#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/yaml.h"

namespace lectern::contract {

class YamlSection {
 public:
  /// `what` names the section in messages ("functions.ocr"). `node` may be null: an absent section is empty.
  YamlSection(const YamlNode* node, std::string_view file, std::string what, std::vector<std::string>& warnings)
      : node_(node), file_(file), what_(std::move(what)), warnings_(warnings) {}

  /// kInvalid when the section is there but not a map.
  Result<void> check() const;
  const YamlNode* get(std::string_view key);
  Result<std::string> text(std::string_view key, std::string otherwise = "");
  Result<std::optional<int>> integer(std::string_view key, int64_t low, int64_t high);
  Result<bool> boolean(std::string_view key, bool otherwise);
  /// A list of texts; one text counts as a list of one.
  Result<std::vector<std::string>> texts(std::string_view key);
  Result<std::map<std::string, std::string>> textMap(std::string_view key);
  YamlSection section(std::string_view key);
  /// A section over an entry of a list below this one.
  YamlSection item(const YamlNode& node, std::string what) { return {&node, file_, std::move(what), warnings_}; }
  const std::vector<std::pair<YamlNode, YamlNode>>& entries() const;
  /// A warning for each key of `without_effect` that is there; a fault for every other key not read.
  Result<void> finish(std::initializer_list<std::string_view> without_effect = {});

  Failure fault(const YamlNode& at, const std::string& message) const;
  void warn(const YamlNode& at, const std::string& message) const;
  const std::string& what() const { return what_; }
  const YamlNode* node() const { return node_; }

 private:
  const YamlNode* node_;
  std::string_view file_;
  std::string what_;
  std::vector<std::string>& warnings_;
  std::set<std::string, std::less<>> read_;
};

/// A YAML value as JSON: unquoted numbers, booleans and null become those.
json::value yamlToJson(const YamlNode& node);

}  // namespace lectern::contract
