#pragma once
// Function code and layers from outside: zip files and directories, checked before anything of them is used.

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"

namespace lectern::engine {

/// Unpacks a zip archive into `directory` (made; removed again on failure). Refuses with kCorrupt what is not a zip,
/// with kTooLarge more than `limit` unpacked bytes or 200 000 entries (counted while unpacking, whatever the archive
/// says), with kDenied entries with absolute paths, "..", or symbolic links that lead out. Returns the unpacked size.
Result<Bytes> unpackZip(std::string_view archive, const std::filesystem::path& directory, Bytes limit);

/// Size of all regular files below `directory`, links not followed. Refuses with kDenied links that lead out of it.
Result<Bytes> measureDirectory(const std::filesystem::path& directory);

}  // namespace lectern::engine
