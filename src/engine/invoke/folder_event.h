#pragma once
#include <filesystem>
#include <string>

#include "base/json.h"
#include "engine/control/registry.h"

namespace lectern::engine {

/// One record like those of S3 about a file that is there; with the path under which the function sees it, when one of
/// its file systems holds the file.
json::object folderRecord(Registry& registry, const std::string& function, const std::filesystem::path& file,
                          int64_t size);

}  // namespace lectern::engine
