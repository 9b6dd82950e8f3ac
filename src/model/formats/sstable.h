#pragma once
// The sorted table that a TensorFlow checkpoint's .index file is (the table of LevelDB, without compression).

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace lectern::model::formats {

using TableEntries = std::vector<std::pair<std::string, std::string>>;

/// All entries in key order. kCorrupt for damage (checksums are checked), kInvalid for compressed blocks.
Result<TableEntries> readTable(std::string_view file);

/// A table of `entries`, which must be in key order without repeats.
std::string writeTable(const TableEntries& entries);

}  // namespace lectern::model::formats
