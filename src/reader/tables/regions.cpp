#include "reader/tables/regions.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "reader/tables/stream.h"

namespace lectern::reader {

namespace {

constexpr double kColumnGap = 0.7;  // white space that parts cells, in heights of the row

/// Horizontal rules of one width below each other: top, under the heading, bottom.
struct RuleStack {
  Box box;
  std::vector<Box> rules;
};

std::vector<RuleStack> stacksOf(const std::vector<Box>& rules, double em) {
  std::vector<RuleStack> stacks;
  for (const auto& r : rules) {
    if (r.width() < 8 * em) continue;
    RuleStack* home = nullptr;
    for (auto& s : stacks) {
      if (std::abs(s.box.x0 - r.x0) < 1.5 * em && std::abs(s.box.x1 - r.x1) < 1.5 * em) home = &s;
    }
    if (home == nullptr) {
      stacks.push_back({r, {}});
      home = &stacks.back();
    }
    home->rules.push_back(r);
    home->box = unite(home->box, r);
  }
  return stacks;
}

bool tabular(const TextRow& row) { return row.segments.size() >= 2; }

struct Run {
  size_t first = 0;
  size_t last = 0;
};

/// Rows that may stand inside a table although they are no row of several cells: section headings, wrapped cells.
bool mayBridge(const TextRow& row, const Box& run, double em) {
  if (row.segments.size() != 1) return true;
  const Box& b = row.segments[0].box;
  return b.x0 >= run.x0 - em && b.x1 <= run.x1 + em && b.width() < 0.6 * run.width();
}

std::vector<Run> runsOf(const std::vector<TextRow>& rows, double em) {
  constexpr size_t kBridge = 3;
  std::vector<Run> runs;
  for (size_t i = 0; i < rows.size();) {
    if (!tabular(rows[i])) {
      ++i;
      continue;
    }
    Run run{i, i};
    Box box = rows[i].box;
    size_t next = i + 1;
    while (next < rows.size()) {
      size_t to = next;
      bool fine = true;
      while (to < rows.size() && !tabular(rows[to]) && to - next < kBridge) {
        fine = fine && mayBridge(rows[to], box, em);
        ++to;
      }
      if (to >= rows.size() || !tabular(rows[to]) || !fine) break;
      bool close = true;
      for (size_t k = next; k <= to; ++k) close = close && rows[k].box.y0 - rows[k - 1].box.y1 < 2.2 * em;
      if (!close) break;
      run.last = to;
      box = unite(box, rows[to].box);
      next = to + 1;
    }
    runs.push_back(run);
    i = run.last + 1;
  }
  return runs;
}

double numericShare(const Page& page, const std::vector<TextRow>& rows) {
  size_t all = 0, numeric = 0;
  for (const auto& row : rows) {
    if (!tabular(row)) continue;
    for (size_t i = 1; i < row.segments.size(); ++i) {
      ++all;
      if (looksNumeric(textOf(page, row.segments[i].words))) ++numeric;
    }
  }
  return all == 0 ? 0 : static_cast<double>(numeric) / static_cast<double>(all);
}

double medianLength(const Page& page, const std::vector<TextRow>& rows) {
  std::vector<size_t> lengths;
  for (const auto& row : rows) {
    for (const auto& s : row.segments) lengths.push_back(textOf(page, s.words).size());
  }
  if (lengths.empty()) return 0;
  std::nth_element(lengths.begin(), lengths.begin() + static_cast<long>(lengths.size() / 2), lengths.end());
  return static_cast<double>(lengths[lengths.size() / 2]);
}

/// Do the rows make a table, or do words only happen to stand apart?
bool convincing(const Page& page, const Region& region, double em) {
  const auto& rows = region.rows;
  size_t wide = 0;
  for (const auto& row : rows) wide += tabular(row) ? 1 : 0;
  const auto rivers = riversOf(rows, em);
  if (rivers.empty()) return false;
  size_t parted = 0;
  for (const auto& row : rows) {
    if (!tabular(row)) continue;
    const auto first = columnsOf(row.segments.front().box, rivers, em);
    const auto last = columnsOf(row.segments.back().box, rivers, em);
    if (first.to < last.from) ++parted;
  }
  if (parted * 10 < wide * 6) return false;
  const double numeric = numericShare(page, rows);
  const double length = medianLength(page, rows);
  if (rivers.size() >= 2) {
    if (region.between_rules) return wide >= 2;
    return wide >= 3 && (numeric >= 0.25 || (wide >= 4 && length < 25));
  }
  if (region.between_rules) return wide >= 2 && (length < 60 || numeric >= 0.3);
  return wide >= 3 && numeric >= 0.6 && length < 40;
}

/// Does a segment of the row run over two or more rivers: prose, not cells?
bool crossesRivers(const TextRow& row, const std::vector<River>& rivers, double em) {
  return std::any_of(row.segments.begin(), row.segments.end(), [&](const Segment& s) {
    const auto range = columnsOf(s.box, rivers, em);
    return range.to - range.from >= std::min<int>(2, static_cast<int>(rivers.size()));
  });
}

/// Takes in heading rows above the run: lines over columns other than the first.
void growUp(const std::vector<TextRow>& rows, Run& run, size_t floor, double em) {
  Box box;
  for (size_t i = run.first; i <= run.last; ++i) box = unite(box, rows[i].box);
  while (run.first > floor) {
    const TextRow& above = rows[run.first - 1];
    const double gap = rows[run.first].box.y0 - above.box.y1;
    if (gap > 0.9 * em || above.segments.size() != 1) return;
    const Box& b = above.segments[0].box;
    const Box& label = rows[run.first].segments.front().box;
    if (b.x0 <= label.x1 || b.x1 >= box.x1 + em || b.width() >= 0.6 * box.width()) return;
    --run.first;
    box = unite(box, above.box);
  }
}

/// A picture cut out around one table: text reaches its edges, and most rows fall into cells.
bool wholePicture(const Page& page, const std::vector<TextRow>& rows) {
  constexpr double kTight = 0.82;
  Box text;
  size_t wide = 0, prose = 0;
  for (const auto& row : rows) {
    text = unite(text, row.box);
    if (tabular(row))
      ++wide;
    else if (row.segments[0].words.size() > 9)
      ++prose;
  }
  return rows.size() >= 2 && text.width() > kTight * page.width && text.height() > kTight * page.height &&
         wide * 2 >= rows.size() && prose * 8 < rows.size() && wide >= 2;
}

size_t firstBelow(const std::vector<TextRow>& rows, double y) {
  size_t i = 0;
  while (i < rows.size() && rows[i].box.centerY() < y) ++i;
  return i;
}

/// Rows between the rules of a stack, where most of them fall into cells.
std::vector<Run> chainsOf(const std::vector<TextRow>& rows, const RuleStack& stack) {
  std::vector<Run> out;
  std::optional<Run> chain;
  const auto close = [&] {
    if (chain) out.push_back(*chain);
    chain.reset();
  };
  for (size_t i = 1; i < stack.rules.size(); ++i) {
    const size_t from = firstBelow(rows, stack.rules[i - 1].centerY());
    const size_t to = firstBelow(rows, stack.rules[i].centerY());
    size_t wide = 0, inside = 0;
    for (size_t r = from; r < to; ++r) {
      const bool within = rows[r].box.x0 > stack.box.x0 - rows[r].box.height() * 2 &&
                          rows[r].box.x1 < stack.box.x1 + rows[r].box.height() * 2;
      if (within) ++inside;
      if (tabular(rows[r])) ++wide;
    }
    if (from == to) continue;
    if (wide * 2 < to - from || inside < to - from) {
      close();
      continue;
    }
    if (chain)
      chain->last = to - 1;
    else
      chain = Run{from, to - 1};
  }
  close();
  return out;
}

/// A chain and the run that goes on below it, when the chain is only the heading of it; heading rows above the top
/// rule when they stand in the columns.
Run joined(const std::vector<TextRow>& rows, Run chain, const std::vector<Run>& runs, double em) {
  for (const auto& run : runs) {
    if (run.last <= chain.last || run.first > chain.last + 1) continue;
    const size_t below = run.last - chain.last;
    if (below >= chain.last - chain.first + 1) chain.last = run.last;
  }
  const std::vector<TextRow> inside(rows.begin() + static_cast<long>(chain.first),
                                    rows.begin() + static_cast<long>(chain.last) + 1);
  const auto rivers = riversOf(inside, em);
  while (chain.first > 0 && !rivers.empty()) {
    const TextRow& above = rows[chain.first - 1];
    if (!tabular(above) || rows[chain.first].box.y0 - above.box.y1 > 1.2 * em || crossesRivers(above, rivers, em))
      break;
    --chain.first;
  }
  return chain;
}

}  // namespace

std::vector<Region> tableRegions(const Page& page, const std::vector<int>& words, const std::vector<Box>& horizontal,
                                 const std::vector<Box>& vertical, double em) {
  const auto rows = textRows(page, words, {kColumnGap, vertical});
  if (wholePicture(page, rows)) return {Region{rows, true}};
  const auto runs = runsOf(rows, em);
  std::vector<bool> taken(rows.size());
  std::vector<Region> out;
  const auto take = [&](const Run& run, bool between_rules) {
    Region region;
    region.between_rules = between_rules;
    region.rows.assign(rows.begin() + static_cast<long>(run.first), rows.begin() + static_cast<long>(run.last) + 1);
    if (!convincing(page, region, em)) return;
    for (size_t i = run.first; i <= run.last; ++i) taken[i] = true;
    out.push_back(std::move(region));
  };
  for (const auto& stack : stacksOf(horizontal, em)) {
    for (const auto& chain : chainsOf(rows, stack)) {
      const Run run = joined(rows, chain, runs, em);
      const bool free = std::none_of(taken.begin() + static_cast<long>(run.first),
                                     taken.begin() + static_cast<long>(run.last) + 1, [](bool t) { return t; });
      if (free) take(run, true);
    }
  }
  size_t floor = 0;
  for (auto run : runs) {
    while (run.first <= run.last && taken[run.first]) ++run.first;
    while (run.last > run.first && taken[run.last]) --run.last;
    if (run.first > run.last || taken[run.first]) continue;
    while (floor < run.first && floor < rows.size() && taken[floor]) ++floor;
    growUp(rows, run, floor, em);
    take(run, false);
    floor = run.last + 1;
  }
  return out;
}

}  // namespace lectern::reader
