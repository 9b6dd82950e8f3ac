#pragma once
#include <string>

#include "reader/page/page.h"

namespace lectern::reader {

/// A table as CSV (RFC 4180, CRLF, UTF-8). A spanning cell's text stands once, at its top left; the rest of it is
/// empty. A cell that a spreadsheet would take for a formula (= + - @ and no number) gets an apostrophe in front.
std::string tableToCsv(const Table& table);

/// One CSV field, quoted when it must be.
std::string csvField(const std::string& text);

}  // namespace lectern::reader
