#pragma once
// `lectern price`: a usage file into a bill that explains itself.

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lectern::plan {

/// Reads a usage file (JSON, "-" is standard input) and prices it with the named book (empty: the file's own).
/// As JSON: {"total_usd","items":[{"service","duration_usd","request_usd","billed_ms","total_usd","lines":[...]}]};
/// else a table, line by line.
Result<std::string> priceFile(const std::filesystem::path& path, std::string_view book, bool as_json);

/// Names of the price books, one a line with date and region.
std::string listBooks();

/// The services a usage file may name, with their fields.
std::string usageHelp();

}  // namespace lectern::plan
