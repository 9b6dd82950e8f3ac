#include "reader/output/csv.h"

#include <vector>

namespace lectern::reader {

namespace {
bool looksLikeNumber(const std::string& text) {
  return text.find_first_of("0123456789") != std::string::npos &&
         text.find_first_not_of("0123456789.,+-'% \xc2\xa0") == std::string::npos;
}
}  // namespace

std::string csvField(const std::string& text) {
  std::string safe = text;
  if (!safe.empty() && std::string_view("=+-@\t\r").find(safe[0]) != std::string_view::npos &&
      !looksLikeNumber(safe)) {
    safe.insert(safe.begin(), '\'');
  }
  if (safe.find_first_of(",\"\r\n") == std::string::npos) return safe;
  std::string quoted = "\"";
  for (const char c : safe) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string tableToCsv(const Table& table) {
  const auto cols = static_cast<size_t>(table.cols);
  std::vector<std::string> grid(static_cast<size_t>(table.rows) * cols);
  for (const auto& cell : table.cells) {
    const size_t at = static_cast<size_t>(cell.row) * cols + static_cast<size_t>(cell.col);
    if (cell.row >= 0 && cell.col >= 0 && cell.row < table.rows && cell.col < table.cols) grid[at] = cell.text;
  }
  std::string out;
  for (size_t i = 0; i < grid.size(); ++i) {
    out += csvField(grid[i]);
    out += (i + 1) % cols == 0 ? "\r\n" : ",";
  }
  return out;
}

}  // namespace lectern::reader
