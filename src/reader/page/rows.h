#pragma once
// Words as text rows and segments, whatever lines recognition made of them: for tables and for labels with their
// values.

#include <vector>

#include "reader/page/page.h"

namespace lectern::reader {

/// Words of one row that stand closer than a column gap.
struct Segment {
  Box box;
  std::vector<int> words;  // indexes into Page::words, left to right
};

struct TextRow {
  Box box;
  std::vector<Segment> segments;  // left to right
};

struct RowOptions {
  double gap_heights = 0.85;        // white space that parts segments, in heights of the row
  std::vector<Box> vertical_rules;  // segments never cross one
};

/// Rows of the given words, top to bottom.
std::vector<TextRow> textRows(const Page& page, const std::vector<int>& words, const RowOptions& options);

/// The words with single spaces.
std::string textOf(const Page& page, const std::vector<int>& words);

/// True for a number, amount, percentage, dash or "n.a.": what columns of figures hold.
bool looksNumeric(const std::string& text);

}  // namespace lectern::reader
