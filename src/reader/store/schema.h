#pragma once
#include "base/result.h"
#include "reader/store/database.h"

namespace lectern::reader {

/// Creates or migrates the schema (PRAGMA user_version holds its number). kInvalid when the file was written by a
/// newer version, kCorrupt when it is a database of something else.
Result<void> migrateSchema(Database& database);

}  // namespace lectern::reader
