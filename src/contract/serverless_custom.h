#pragma once
// custom.lectern: what Lambda has no word for.

#include "base/result.h"
#include "contract/serverless_yml.h"
#include "contract/yaml_section.h"

namespace lectern::contract {

/// Reads fileSystems, watch, snapshot and pack into `out`, whose functions are already there.
Result<void> parseLecternSection(YamlSection section, ServerlessConfig& out);

}  // namespace lectern::contract
