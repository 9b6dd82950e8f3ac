#pragma once
#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace lectern {

/// Writes what need not outlive a power failure, such as files between a function and its caller: nothing waits for the
/// disk. A reader sees the old or the new file, never a part; a full disk leaves the old one and no leftovers.
Result<void> writeScratch(const std::filesystem::path& path, std::string_view content);

}  // namespace lectern
