#pragma once
// Checks the settings of CreateFunction and UpdateFunctionConfiguration and writes them into a FunctionConfiguration.

#include "base/json.h"
#include "contract/limits.h"
#include "contract/names.h"
#include "engine/control/registry.h"

namespace lectern::engine {

/// Takes over the settings that `request` has, with Lambda's texts for what it refuses. Code and layers together stay
/// below the size limit.
contract::ApiResult<void> configure(Registry& registry, const json::object& request, int64_t code_unzipped,
                                    json::object& config);

/// What a caller of Lambda's API may mount at most; this process may give its own functions more.
contract::ApiResult<void> oneFileSystem(const json::object& request);

/// A runtime of today or of the past. Layers may name either, functions only what their quota profile still takes.
bool wasEverRuntime(std::string_view name);
/// Today's, as in Lambda's texts.
std::string allRuntimes();

/// Every field of a new function that has a default.
json::object defaultConfig(const Registry& registry, const std::string& name);

}  // namespace lectern::engine
