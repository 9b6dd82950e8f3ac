#include "reader/tables/stream.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reader/tables/cells.h"

namespace lectern::reader {

namespace {

/// A segment with the columns it stands in.
struct Placed {
  ColumnRange columns;
  Box box;
  std::vector<int> words;
  std::string text;
  bool numeric = false;
};

struct PlacedRow {
  Box box;
  std::vector<Placed> cells;
  bool header = false;
  const Placed* at(int column) const {
    for (const auto& c : cells) {
      if (c.columns.from <= column && c.columns.to >= column) return &c;
    }
    return nullptr;
  }
};

bool isYear(const std::string& text) {
  return text.size() == 4 && (text.starts_with("19") || text.starts_with("20")) &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Placed placed(const Page& page, std::vector<int> words, ColumnRange columns) {
  Placed p;
  p.columns = columns;
  for (const int w : words) p.box = unite(p.box, page.words[static_cast<size_t>(w)].box);
  p.text = textOf(page, words);
  // "(n = 80)" counts a column's cases; it belongs to the heading.
  p.numeric = looksNumeric(p.text) && !isYear(p.text) && !p.text.starts_with("(n");
  p.words = std::move(words);
  return p;
}

/// Where the segments of a column begin, end and have their middle, for segments of one column only.
struct ColumnEdges {
  std::vector<double> left, right, middle;
  bool aligned(const Box& box, double tolerance) const {
    const auto near = [&](const std::vector<double>& values, double v) {
      const auto hits =
          std::count_if(values.begin(), values.end(), [&](double x) { return std::abs(x - v) <= tolerance; });
      return hits * 3 >= static_cast<long>(values.size()) && hits > 0;
    };
    return near(left, box.x0) || near(right, box.x1) || near(middle, box.centerX());
  }
};

std::vector<ColumnEdges> edgesOf(const std::vector<TextRow>& rows, const std::vector<River>& rivers, double em) {
  std::vector<ColumnEdges> edges(rivers.size() + 1);
  for (const auto& row : rows) {
    if (row.segments.size() < 2) continue;
    for (const auto& s : row.segments) {
      const ColumnRange c = columnsOf(s.box, rivers, em);
      if (c.from != c.to) continue;
      auto& e = edges[static_cast<size_t>(c.from)];
      e.left.push_back(s.box.x0);
      e.right.push_back(s.box.x1);
      e.middle.push_back(s.box.centerX());
    }
  }
  return edges;
}

/// Are the gaps between the parts wider than every gap inside them?
bool gapsStandOut(const Page& page, const std::vector<Placed>& parts) {
  double inside = 0, between = 1e9;
  size_t inner = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto& words = parts[i].words;
    for (size_t k = 1; k < words.size(); ++k) {
      const Box& left = page.words[static_cast<size_t>(words[k - 1])].box;
      inside = std::max(inside, static_cast<double>(page.words[static_cast<size_t>(words[k])].box.x0 - left.x1));
      ++inner;
    }
    if (i > 0) between = std::min(between, static_cast<double>(parts[i].box.x0 - parts[i - 1].box.x1));
  }
  return inner >= 2 && between > 1.3 * inside;
}

/// Parts a segment over several columns at word gaps that lie in the rivers, when the parts stand as their columns do.
std::vector<Placed> split(const Page& page, const Segment& segment, const std::vector<River>& rivers,
                          const std::vector<ColumnEdges>& edges, double em) {
  const ColumnRange range = columnsOf(segment.box, rivers, em);
  if (range.from == range.to) return {placed(page, segment.words, range)};
  std::vector<Placed> parts;
  std::vector<int> words;
  int column = -1;
  const auto close = [&] {
    if (!words.empty()) parts.push_back(placed(page, std::move(words), {column, column}));
    words.clear();
  };
  for (const int w : segment.words) {
    const Box& box = page.words[static_cast<size_t>(w)].box;
    const ColumnRange here = columnsOf(box, rivers, em);
    if (here.from != here.to) return {placed(page, segment.words, range)};  // one word over a river: a real span
    if (here.from != column) close();
    column = here.from;
    words.push_back(w);
  }
  close();
  bool fits = static_cast<int>(parts.size()) == range.to - range.from + 1;
  for (const auto& p : parts) fits = fits && edges[static_cast<size_t>(p.columns.from)].aligned(p.box, 0.7 * em);
  if (fits) return parts;
  // Figures never span: a row of them is parted wherever it meets a river.
  const bool figures = std::all_of(parts.begin(), parts.end(), [](const Placed& p) { return p.numeric; });
  if (figures && parts.size() > 1) return parts;
  // So is a row whose gaps at the rivers are all wider than those between its other words.
  if (static_cast<int>(parts.size()) == range.to - range.from + 1 && gapsStandOut(page, parts)) return parts;
  return {placed(page, segment.words, range)};
}

std::vector<PlacedRow> place(const Page& page, const std::vector<TextRow>& rows, const std::vector<River>& rivers,
                             double em) {
  const auto edges = edgesOf(rows, rivers, em);
  std::vector<PlacedRow> out;
  for (const auto& row : rows) {
    PlacedRow p;
    p.box = row.box;
    for (const auto& s : row.segments) {
      for (auto& part : split(page, s, rivers, edges, em)) {
        // Two segments of one row in one column are one cell.
        if (!p.cells.empty() && p.cells.back().columns.to >= part.columns.from) {
          Placed& last = p.cells.back();
          auto words = last.words;
          words.insert(words.end(), part.words.begin(), part.words.end());
          last = placed(page, std::move(words), {last.columns.from, std::max(last.columns.to, part.columns.to)});
        } else {
          p.cells.push_back(std::move(part));
        }
      }
    }
    out.push_back(std::move(p));
  }
  return out;
}

bool ruleBetween(const Box& above, const Box& below, const std::vector<Box>& rules, double em) {
  return std::any_of(rules.begin(), rules.end(), [&](const Box& r) {
    const double y = r.centerY();
    return y > above.centerY() && y < below.centerY() && y > above.y1 - 0.35 * em && y < below.y0 + 0.35 * em &&
           std::min(r.x1, below.x1) - std::max(r.x0, below.x0) > 0.5 * below.width();
  });
}

/// Rows above the first long rule, when it stands near the top and what is above it are mostly words.
size_t rowsAboveFirstRule(const std::vector<PlacedRow>& rows, const std::vector<Box>& rules, const Box& area) {
  constexpr size_t kMostHeadings = 6;
  size_t cells = 0, numeric = 0;
  for (size_t i = 1; i <= kMostHeadings && i + 1 < rows.size(); ++i) {
    for (const auto& c : rows[i - 1].cells) {
      ++cells;
      numeric += c.numeric ? 1 : 0;
    }
    const bool ruled = std::any_of(rules.begin(), rules.end(), [&](const Box& r) {
      const double y = r.centerY();
      return r.width() >= 0.75 * area.width() && y >= rows[i - 1].box.centerY() && y <= rows[i].box.centerY();
    });
    if (ruled) return numeric * 2 < cells ? i : 0;
  }
  return 0;
}

/// Number of heading rows: what stands above the last long rule before the first row of figures, or above that row.
size_t headerCount(const std::vector<PlacedRow>& rows, const std::vector<Box>& rules, const Box& area) {
  size_t first = rows.size();
  for (size_t i = 0; i < rows.size() && first == rows.size(); ++i) {
    size_t others = 0, numeric = 0;
    for (const auto& c : rows[i].cells) {
      if (c.columns.from == 0 && c.columns.to == 0 && rows[i].cells.size() > 1) continue;
      ++others;
      if (c.numeric) ++numeric;
    }
    if (numeric > 0 && numeric * 2 >= others) first = i;
  }
  const bool figures = first < rows.size();
  const size_t limit = figures ? first : std::min<size_t>(rows.size(), 4);
  size_t by_rule = 0;
  for (size_t i = 1; i <= limit && i < rows.size(); ++i) {
    for (const auto& r : rules) {
      const double y = r.centerY();
      if (r.width() < 0.75 * area.width() || y < rows[i - 1].box.centerY() || y > rows[i].box.centerY()) continue;
      by_rule = i;
      if (!figures) return by_rule;
    }
  }
  if (const size_t above = rowsAboveFirstRule(rows, rules, area); above > by_rule) return above;
  if (by_rule > 0) return by_rule;
  if (!figures) return 1;
  // A label alone just before the figures heads a section, not the columns.
  while (first > 1 && rows[first - 1].cells.size() == 1 && rows[first - 1].cells[0].columns.to == 0 &&
         rows[first - 1].box.y0 - rows[first - 2].box.y1 > 0.3 * rows[first - 1].box.height()) {
    --first;
  }
  return first;
}

struct HeaderCell {
  Placed content;
  int level = 0;
};

/// Columns under a rule that stands just below a heading belong to it.
void widenByRule(HeaderCell& cell, const std::vector<Box>& rules, const std::vector<River>& rivers, const Box& area,
                 double em) {
  for (const auto& r : rules) {
    if (r.width() > 0.75 * area.width() || r.y0 < cell.content.box.centerY() || r.y0 > cell.content.box.y1 + em)
      continue;
    if (horizontalOverlap(r, cell.content.box) < 0.9) continue;
    const ColumnRange under = columnsOf(r, rivers, em);
    cell.content.columns.from = std::min(cell.content.columns.from, under.from);
    cell.content.columns.to = std::max(cell.content.columns.to, under.to);
  }
}

/// Heading lines of one column become one cell; headings over several columns stand a level above.
std::vector<HeaderCell> headerCells(const Page& page, std::vector<PlacedRow> rows, size_t count,
                                    const std::vector<Box>& rules, const std::vector<River>& rivers, const Box& area,
                                    double em) {
  std::vector<HeaderCell> cells;
  for (size_t i = 0; i < count; ++i) {
    for (auto& part : rows[i].cells) {
      HeaderCell fresh{part, 0};
      widenByRule(fresh, rules, rivers, area, em);
      HeaderCell* above = nullptr;
      for (auto& c : cells) {
        if (c.content.columns.from <= fresh.content.columns.to && c.content.columns.to >= fresh.content.columns.from) {
          if (above == nullptr || c.content.box.y1 >= above->content.box.y1) above = &c;
        }
      }
      if (above != nullptr && above->content.columns == fresh.content.columns &&
          fresh.content.box.y0 - above->content.box.y1 < 0.8 * em &&
          !ruleBetween(above->content.box, fresh.content.box, rules, em)) {
        auto words = above->content.words;
        words.insert(words.end(), fresh.content.words.begin(), fresh.content.words.end());
        above->content = placed(page, std::move(words), above->content.columns);
        continue;
      }
      if (above != nullptr) fresh.level = above->level + 1;
      cells.push_back(std::move(fresh));
    }
  }
  return cells;
}

/// Lines of wrapped text stand closer than rows: the white space that parts them, or nothing when all is even.
double wrapGap(const std::vector<PlacedRow>& rows, size_t from, double em) {
  std::vector<double> gaps;
  for (size_t i = from + 1; i < rows.size(); ++i) gaps.push_back(rows[i].box.y0 - rows[i - 1].box.y1);
  if (gaps.size() < 2) return -1e9;
  std::sort(gaps.begin(), gaps.end());
  const double low = gaps[gaps.size() / 10], high = gaps[gaps.size() * 8 / 10];
  return high - low > 0.35 * em ? (low + high) / 2 : -1e9;
}

bool bracketed(const std::string& text) {  // a round bracket is often read as a curly one
  return text.size() > 2 && (text.front() == '(' || text.front() == '{') && text.back() == ')';
}

/// "(62.0)" under "160744" in columns whose other entries hold both in one line.
bool completes(const std::vector<PlacedRow>& rows, const PlacedRow& before, const PlacedRow& row) {
  for (const auto& part : row.cells) {
    const Placed* above = before.at(part.columns.from);
    if (!bracketed(part.text) || above == nullptr || above->text.find('(') != std::string::npos) return false;
    size_t whole = 0, others = 0;
    for (const auto& other : rows) {
      const Placed* cell = other.at(part.columns.from);
      if (cell == nullptr || cell == above || &other == &row) continue;
      ++others;
      whole += cell->text.back() == ')' && cell->text.find('(') != std::string::npos && !bracketed(cell->text) ? 1 : 0;
    }
    if (2 * whole <= others) return false;
  }
  return true;
}

bool startsSmall(const std::string& text) {
  return !text.empty() && ((text[0] >= 'a' && text[0] <= 'z') || text[0] == '(');
}

bool continues(const PlacedRow& before, const PlacedRow& row, double wrap_gap, double em) {
  const double gap = row.box.y0 - before.box.y1;
  if (gap > 0.9 * em) return false;
  const bool figures = std::any_of(row.cells.begin(), row.cells.end(), [](const Placed& p) { return p.numeric; });
  const bool figures_before =
      std::any_of(before.cells.begin(), before.cells.end(), [](const Placed& p) { return p.numeric; });
  const bool held = std::all_of(row.cells.begin(), row.cells.end(),
                                [&](const Placed& p) { return before.at(p.columns.from) != nullptr; });
  const Placed* label = row.at(0);
  const Placed* label_before = before.at(0);
  if (label == nullptr) return !figures && held;
  if (label_before != nullptr && startsSmall(label->text) && !startsSmall(label_before->text)) {
    if (row.cells.size() == 1) return true;
    // A label over two lines whose figures stand beside its last line.
    if (before.cells.size() == 1 && figures && !figures_before) return true;
  }
  return wrap_gap > -1e8 && gap < wrap_gap && !figures && held;
}

/// Body rows with wrapped lines joined.
std::vector<PlacedRow> joinWrapped(const Page& page, const std::vector<PlacedRow>& rows, size_t from,
                                   const std::vector<Box>& rules, const Box& area, double em) {
  const double wrap_gap = wrapGap(rows, from, em);
  std::vector<PlacedRow> out;
  for (size_t i = from; i < rows.size(); ++i) {
    const bool parted = i > from && std::any_of(rules.begin(), rules.end(), [&](const Box& r) {
                          return r.width() > 0.5 * area.width() && r.centerY() > rows[i - 1].box.centerY() &&
                                 r.centerY() < rows[i].box.centerY();
                        });
    const bool goes_on = !out.empty() && !parted &&
                         (continues(out.back(), rows[i], wrap_gap, em) || completes(rows, out.back(), rows[i]));
    if (!goes_on) {
      out.push_back(rows[i]);
      continue;
    }
    PlacedRow& last = out.back();
    last.box = unite(last.box, rows[i].box);
    for (const auto& part : rows[i].cells) {
      bool joined = false;
      for (auto& cell : last.cells) {
        if (cell.columns.from > part.columns.to || cell.columns.to < part.columns.from) continue;
        auto words = cell.words;
        words.insert(words.end(), part.words.begin(), part.words.end());
        const ColumnRange range{std::min(cell.columns.from, part.columns.from),
                                std::max(cell.columns.to, part.columns.to)};
        cell = placed(page, std::move(words), range);
        joined = true;
        break;
      }
      if (!joined) last.cells.push_back(part);
    }
  }
  return out;
}

Cell cellOf(const Page& page, const Placed& p, int row, int row_span) {
  Cell cell;
  cell.row = row;
  cell.col = p.columns.from;
  cell.row_span = row_span;
  cell.col_span = p.columns.to - p.columns.from + 1;
  cell.words = p.words;
  cell.box = p.box;
  cell.text = cellText(page, p.words);
  return cell;
}

}  // namespace

ColumnRange columnsOf(const Box& box, const std::vector<River>& rivers, double em) {
  const double slack = std::min(0.35 * em, 0.3 * box.width());
  ColumnRange range;
  for (const auto& r : rivers) {
    const double middle = r.middle();
    if (middle <= box.x0 + slack) ++range.from;
    if (middle < box.x1 - slack) ++range.to;
  }
  range.to = std::max(range.to, range.from);
  return range;
}

std::vector<River> riversOf(const std::vector<TextRow>& rows, double em) {
  int left = std::numeric_limits<int>::max(), right = 0, counted = 0;
  for (const auto& row : rows) {
    if (row.segments.size() < 2) continue;
    ++counted;
    left = std::min(left, row.box.x0);
    right = std::max(right, row.box.x1);
  }
  if (counted == 0 || right <= left) return {};
  std::vector<int> cover(static_cast<size_t>(right - left) + 2);
  for (const auto& row : rows) {
    if (row.segments.size() < 2) continue;
    for (const auto& s : row.segments) {
      ++cover[static_cast<size_t>(s.box.x0 - left)];
      --cover[static_cast<size_t>(s.box.x1 - left)];
    }
  }
  for (size_t i = 1; i < cover.size(); ++i) cover[i] += cover[i - 1];
  const int allowed = counted >= 8 ? counted * 12 / 100 : counted >= 3 ? 1 : 0;
  std::vector<River> rivers;
  size_t i = 0;
  while (i < cover.size()) {
    if (cover[i] > allowed) {
      ++i;
      continue;
    }
    size_t end = i;
    int low = cover[i];
    while (end < cover.size() && cover[end] <= allowed) low = std::min(low, cover[end++]);
    const bool inside = i > 0 && end < cover.size() - 1;
    if (inside && static_cast<double>(end - i) >= 0.3 * em) {
      // The clearest stretch of the river.
      size_t best = i, best_length = 0;
      for (size_t a = i; a < end;) {
        size_t b = a;
        while (b < end && cover[b] == low) ++b;
        if (b - a > best_length) {
          best = a;
          best_length = b - a;
        }
        a = std::max(b, a + 1);
      }
      rivers.push_back({double(left) + double(best), double(left) + double(best + best_length)});
    }
    i = end;
  }
  return rivers;
}

std::optional<Table> streamTable(const Page& page, const std::vector<TextRow>& rows, const std::vector<Box>& rules,
                                 double em) {
  const auto rivers = riversOf(rows, em);
  if (rivers.empty() || rows.size() < 2) return std::nullopt;
  Box area;
  for (const auto& row : rows) area = unite(area, row.box);
  const auto placed_rows = place(page, rows, rivers, em);
  const size_t heads = std::min(headerCount(placed_rows, rules, area), rows.size() - 1);
  const auto headings = headerCells(page, placed_rows, heads, rules, rivers, area, em);
  int levels = heads > 0 ? 1 : 0;
  for (const auto& h : headings) levels = std::max(levels, h.level + 1);
  Table table;
  table.kind = "borderless";
  table.box = area;
  table.cols = static_cast<int>(rivers.size()) + 1;
  table.header_rows = levels;
  for (const auto& h : headings) {
    bool parent = false;
    for (const auto& o : headings) {
      parent = parent || (o.level > h.level && o.content.columns.from <= h.content.columns.to &&
                          o.content.columns.to >= h.content.columns.from);
    }
    table.cells.push_back(cellOf(page, h.content, h.level, parent ? 1 : levels - h.level));
  }
  const auto body = joinWrapped(page, placed_rows, heads, rules, area, em);
  for (size_t i = 0; i < body.size(); ++i) {
    for (const auto& p : body[i].cells) table.cells.push_back(cellOf(page, p, levels + static_cast<int>(i), 1));
  }
  table.rows = levels + static_cast<int>(body.size());
  compact(table);
  if (table.rows < 2 || table.cols < 2) return std::nullopt;
  return table;
}

}  // namespace lectern::reader
