#include "reader/tables/tables.h"

#include <algorithm>

#include "reader/tables/cells.h"
#include "reader/tables/lattice.h"
#include "reader/tables/regions.h"
#include "reader/tables/rules.h"
#include "reader/tables/stream.h"

namespace lectern::reader {

void findTables(Page& page) {
  page.tables.clear();
  if (page.words.size() < 4) return;
  const double em = textHeight(page);
  std::vector<bool> taken(page.words.size());
  std::vector<Table> found;
  for (const auto& group : ruleGroups(page, em)) {
    auto table = latticeTable(page, group, em);
    if (!table) continue;
    for (const auto& cell : table->cells) {
      for (const int w : cell.words) taken[static_cast<size_t>(w)] = true;
    }
    found.push_back(std::move(*table));
  }
  std::vector<int> rest;
  for (size_t i = 0; i < page.words.size(); ++i) {
    if (!taken[i]) rest.push_back(static_cast<int>(i));
  }
  std::vector<Box> horizontal, vertical;
  for (const auto& r : page.rules) {
    (r.orientation == Orientation::kHorizontal ? horizontal : vertical).push_back(r.box);
  }
  for (const auto& region : tableRegions(page, rest, horizontal, vertical, em)) {
    Box area;
    for (const auto& row : region.rows) area = unite(area, row.box);
    std::vector<Box> inside;
    for (const auto& h : horizontal) {
      if (h.centerY() > area.y0 && h.centerY() < area.y1 && horizontalOverlap(h, area) > 0.5) inside.push_back(h);
    }
    auto table = streamTable(page, region.rows, inside, em);
    if (table) found.push_back(std::move(*table));
  }
  std::stable_sort(found.begin(), found.end(), [](const Table& a, const Table& b) {
    return std::pair(a.box.y0, a.box.x0) < std::pair(b.box.y0, b.box.x0);
  });
  for (auto& table : found) {
    for (auto& part : splitRepeated(std::move(table))) {
      if (!page.has_text_layer) repairFigures(part);
      page.tables.push_back(std::move(part));
    }
  }
}

}  // namespace lectern::reader
