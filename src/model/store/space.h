#pragma once
#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace lectern::model {

/// kNoSpace, with both sizes, when the folder's file system has less free than that.
Result<void> checkSpace(const std::filesystem::path& folder, int64_t bytes);

}  // namespace lectern::model
