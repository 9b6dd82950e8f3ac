#pragma once
// ${...} in configuration values.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/yaml.h"

namespace lectern::contract {

struct VariableSources {
  std::string stage, region;
  std::function<std::optional<std::string>(const std::string&)> environment;
};

/// Replaces ${self:a.b}, ${env:X}, ${opt:stage}, ${sls:stage}, ${aws:region}, each with an optional default after a
/// comma (another variable or a quoted or plain text). ${AWS::Region} and its like belong to CloudFormation and stay.
/// kInvalid for an unknown source, a missing value without default, a cycle, or an expansion beyond 1 MiB.
Result<void> resolveVariables(YamlNode& root, std::string_view file, const VariableSources& sources);

}  // namespace lectern::contract
