#pragma once
// Where tables without drawn cells stand.

#include <vector>

#include "reader/page/page.h"
#include "reader/page/rows.h"

namespace lectern::reader {

struct Region {
  std::vector<TextRow> rows;
  bool between_rules = false;  // horizontal rules bound it
};

/// Runs of text rows that fall into columns, from words that no table has taken yet. `horizontal` and `vertical` are
/// the page's rules.
std::vector<Region> tableRegions(const Page& page, const std::vector<int>& words, const std::vector<Box>& horizontal,
                                 const std::vector<Box>& vertical, double text_height);

}  // namespace lectern::reader
