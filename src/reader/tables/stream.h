#pragma once
// Tables that white space draws: columns from rivers between segments, rows from text rows.

#include <optional>
#include <vector>

#include "reader/page/page.h"
#include "reader/page/rows.h"

namespace lectern::reader {

/// A white river that parts two columns.
struct River {
  double from = 0;
  double to = 0;
  double middle() const { return (from + to) / 2; }
};

/// Rivers through rows with at least two segments; a few rows may cross one (headings over several columns).
std::vector<River> riversOf(const std::vector<TextRow>& rows, double text_height);

/// Columns from..to that a segment stands in.
struct ColumnRange {
  int from = 0;
  int to = 0;
  bool operator==(const ColumnRange&) const = default;
};
ColumnRange columnsOf(const Box& box, const std::vector<River>& rivers, double text_height);

/// The table that the rows make; nothing with fewer than two rows or columns. `rules` are the horizontal rules that
/// run through it.
std::optional<Table> streamTable(const Page& page, const std::vector<TextRow>& rows, const std::vector<Box>& rules,
                                 double text_height);

}  // namespace lectern::reader
