#include "reader/tables/lattice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>

#include "reader/tables/cells.h"
#include "reader/tables/stream.h"

namespace lectern::reader {

namespace {

constexpr double kCovered = 0.6;  // share of a cell's side that a rule must cover
constexpr int kMaxGrid = 200;     // rows or columns

int rootOf(std::vector<int>& parent, int i) {
  while (parent[static_cast<size_t>(i)] != i) {
    int& up = parent[static_cast<size_t>(i)];
    up = parent[static_cast<size_t>(up)];
    i = up;
  }
  return i;
}

struct Grid {
  std::vector<double> xs, ys;
  std::vector<Ruling> horizontal, vertical;
  double tolerance = 0;
  int rows() const { return static_cast<int>(ys.size()) - 1; }
  int cols() const { return static_cast<int>(xs.size()) - 1; }
};

Grid gridOf(const std::vector<Box>& horizontal, const std::vector<Box>& vertical, double em) {
  Grid grid;
  grid.tolerance = 0.45 * em;
  std::vector<double> xs, ys;
  for (const auto& b : horizontal) {
    grid.horizontal.push_back(rulingOf(b, Orientation::kHorizontal));
    ys.push_back(grid.horizontal.back().at);
  }
  for (const auto& b : vertical) {
    grid.vertical.push_back(rulingOf(b, Orientation::kVertical));
    xs.push_back(grid.vertical.back().at);
  }
  // A frame that is open at the sides ends where its rules end.
  double left = 1e9, right = -1e9, top = 1e9, bottom = -1e9;
  for (const auto& h : grid.horizontal) {
    left = std::min(left, h.from);
    right = std::max(right, h.to);
  }
  for (const auto& v : grid.vertical) {
    top = std::min(top, v.from);
    bottom = std::max(bottom, v.to);
  }
  const double open = 1.0 * em;
  const auto [x_min, x_max] = std::minmax_element(xs.begin(), xs.end());
  const auto [y_min, y_max] = std::minmax_element(ys.begin(), ys.end());
  std::vector<double> more_x, more_y;
  if (left < *x_min - open) more_x.push_back(left);
  if (right > *x_max + open) more_x.push_back(right);
  if (top < *y_min - open) more_y.push_back(top);
  if (bottom > *y_max + open) more_y.push_back(bottom);
  xs.insert(xs.end(), more_x.begin(), more_x.end());
  ys.insert(ys.end(), more_y.begin(), more_y.end());
  grid.xs = clusters(xs, grid.tolerance);
  grid.ys = clusters(ys, grid.tolerance);
  return grid;
}

/// What stands in one place of the grid.
struct Place {
  bool text = false;
  bool figures = false;
  bool crosses_right = false;  // a segment runs over the right edge
};

/// Figures that stand close, each in a column of its own.
bool figuresApart(const Page& page, const Segment& segment, const Grid& grid) {
  for (const int w : segment.words) {
    const Word& word = page.words[static_cast<size_t>(w)];
    if (!looksNumeric(word.text)) return false;
    for (const double x : grid.xs) {
      if (x > word.box.x0 + grid.tolerance && x < word.box.x1 - grid.tolerance) return false;
    }
  }
  return true;
}

/// The text of every grid place, row-major.
std::vector<Place> placesOf(const Page& page, const std::vector<int>& words, const Grid& grid,
                            const std::vector<Box>& vertical) {
  std::vector<Place> places(static_cast<size_t>(grid.rows() * grid.cols()));
  const auto find = [](const std::vector<double>& edges, double v) {
    return static_cast<int>(std::upper_bound(edges.begin(), edges.end(), v) - edges.begin()) - 1;
  };
  for (const auto& row : textRows(page, words, {0.85, vertical})) {
    for (const auto& s : row.segments) {
      const int r = find(grid.ys, s.box.centerY());
      const double slack = std::min(0.3 * s.box.width(), grid.tolerance);
      const int first = std::max(0, find(grid.xs, s.box.x0 + slack));
      const int last = std::min(find(grid.xs, s.box.x1 - slack), grid.cols() - 1);
      if (r < 0 || r >= grid.rows()) continue;
      if (first < last && figuresApart(page, s, grid)) {
        for (const int w : s.words) {
          const int c = find(grid.xs, page.words[static_cast<size_t>(w)].box.centerX());
          if (c < 0 || c >= grid.cols()) continue;
          Place& place = places[static_cast<size_t>(r * grid.cols() + c)];
          place.text = place.figures = true;
        }
        continue;
      }
      for (int c = first; c <= last; ++c) {
        Place& place = places[static_cast<size_t>(r * grid.cols() + c)];
        place.text = true;
        place.figures = place.figures || (first == last && looksNumeric(textOf(page, s.words)));
        place.crosses_right = place.crosses_right || c < last;
      }
    }
  }
  return places;
}

/// Does text part two places side by side where no rule does?
bool partedByText(const Place& left, const Place& right) {
  if (left.crosses_right) return false;
  return (left.text && right.text) || left.figures || right.figures;
}

/// Is a row edge without a full rule an edge all the same, because some column has figures above and below it?
std::vector<bool> rowsPartedByFigures(const Grid& grid, const std::vector<Place>& places) {
  std::vector<bool> parted(static_cast<size_t>(grid.rows()));
  for (int r = 0; r + 1 < grid.rows(); ++r) {
    for (int c = 0; c < grid.cols(); ++c) {
      if (places[static_cast<size_t>(r * grid.cols() + c)].figures &&
          places[static_cast<size_t>((r + 1) * grid.cols() + c)].figures) {
        parted[static_cast<size_t>(r)] = true;
      }
    }
  }
  return parted;
}

/// Cells that no rule parts belong together; a group's bounding rectangle is the cell.
std::vector<Cell> cellsOf(const Grid& grid, const std::vector<Place>& places) {
  const int rows = grid.rows(), cols = grid.cols();
  std::vector<int> parent(static_cast<size_t>(rows * cols));
  std::iota(parent.begin(), parent.end(), 0);
  const auto join = [&](int a, int b) { parent[static_cast<size_t>(rootOf(parent, b))] = rootOf(parent, a); };
  const auto at = [](const std::vector<double>& v, int i) { return v[static_cast<size_t>(i)]; };
  const auto place = [&](int r, int c) -> const Place& { return places[static_cast<size_t>(r * cols + c)]; };
  const auto parted_rows = rowsPartedByFigures(grid, places);
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < cols; ++c) {
      const double inset_x = 0.1 * (at(grid.xs, c + 1) - at(grid.xs, c));
      const double inset_y = 0.1 * (at(grid.ys, r + 1) - at(grid.ys, r));
      if (c + 1 < cols &&
          coverage(grid.vertical, at(grid.xs, c + 1), grid.tolerance, at(grid.ys, r) + inset_y,
                   at(grid.ys, r + 1) - inset_y) < kCovered &&
          !partedByText(place(r, c), place(r, c + 1))) {
        join(r * cols + c, r * cols + c + 1);
      }
      if (r + 1 < rows &&
          coverage(grid.horizontal, at(grid.ys, r + 1), grid.tolerance, at(grid.xs, c) + inset_x,
                   at(grid.xs, c + 1) - inset_x) < kCovered &&
          !(parted_rows[static_cast<size_t>(r)] && place(r, c).text && place(r + 1, c).text)) {
        join(r * cols + c, (r + 1) * cols + c);
      }
    }
  }
  bool changed = true;
  std::map<int, std::array<int, 4>> bounds;
  while (changed) {  // a group that is no rectangle takes in what its rectangle covers
    changed = false;
    bounds.clear();
    for (int i = 0; i < rows * cols; ++i) {
      const int r = i / cols, c = i % cols;
      auto [it, fresh] = bounds.try_emplace(rootOf(parent, i), std::array{r, c, r, c});
      auto& b = it->second;
      b = {std::min(b[0], r), std::min(b[1], c), std::max(b[2], r), std::max(b[3], c)};
    }
    for (const auto& [root, b] : bounds) {
      for (int r = b[0]; r <= b[2]; ++r) {
        for (int c = b[1]; c <= b[3]; ++c) {
          if (rootOf(parent, r * cols + c) == rootOf(parent, root)) continue;
          join(root, r * cols + c);
          changed = true;
        }
      }
    }
  }
  std::vector<Cell> cells;
  for (const auto& [root, b] : bounds) {
    Cell cell;
    cell.row = b[0];
    cell.col = b[1];
    cell.row_span = b[2] - b[0] + 1;
    cell.col_span = b[3] - b[1] + 1;
    cell.box = {static_cast<int>(at(grid.xs, b[1])), static_cast<int>(at(grid.ys, b[0])),
                static_cast<int>(at(grid.xs, b[3] + 1)), static_cast<int>(at(grid.ys, b[2] + 1))};
    cells.push_back(std::move(cell));
  }
  return cells;
}

void placeWords(const Page& page, const std::vector<int>& words, std::vector<Cell>& cells) {
  for (const int w : words) {
    const Box& b = page.words[static_cast<size_t>(w)].box;
    for (auto& cell : cells) {
      if (b.centerX() < cell.box.x0 || b.centerX() >= cell.box.x1 || b.centerY() < cell.box.y0 ||
          b.centerY() >= cell.box.y1) {
        continue;
      }
      cell.words.push_back(w);
      break;
    }
  }
  for (auto& cell : cells) cell.text = cellText(page, cell.words);
}

/// Rules that are not drawn: between text rows of a band whose columns of figures hold a figure a row.
void addHiddenRows(const Page& page, const std::vector<int>& words, Grid& grid, const std::vector<Box>& vertical) {
  std::vector<double> more;
  for (int r = 0; r < grid.rows(); ++r) {
    const double y0 = grid.ys[static_cast<size_t>(r)], y1 = grid.ys[static_cast<size_t>(r) + 1];
    std::vector<int> inside;
    for (const int w : words) {
      const double y = page.words[static_cast<size_t>(w)].box.centerY();
      if (y > y0 && y < y1) inside.push_back(w);
    }
    const auto rows = textRows(page, inside, {0.85, vertical});
    if (rows.size() < 2) continue;
    int figures = 0;
    bool long_column = false;
    for (int c = 0; c < grid.cols(); ++c) {
      size_t lines = 0, numeric = 0, bracketed = 0;
      for (const auto& row : rows) {
        for (const auto& s : row.segments) {
          const double x = s.box.centerX();
          if (x < grid.xs[static_cast<size_t>(c)] || x >= grid.xs[static_cast<size_t>(c) + 1]) continue;
          const std::string text = textOf(page, s.words);
          ++lines;
          if (looksNumeric(text)) ++numeric;
          if (text.starts_with("(") || text.starts_with("[")) ++bracketed;
          break;
        }
      }
      // A figure with another in brackets below it is one cell.
      if (lines < 2 || numeric * 10 < lines * 8 || bracketed * 2 >= lines) continue;
      ++figures;
      long_column = long_column || lines >= 3;
    }
    if (figures < 2 && !long_column) continue;
    for (size_t i = 1; i < rows.size(); ++i) {
      const double y = (rows[i - 1].box.y1 + rows[i].box.y0) / 2.0;
      more.push_back(y);
      grid.horizontal.push_back({y, grid.xs.front(), grid.xs.back()});
    }
  }
  grid.ys.insert(grid.ys.end(), more.begin(), more.end());
  std::sort(grid.ys.begin(), grid.ys.end());
}

/// Columns that no rule parts: rivers through the text of a drawn column, with figures on their right.
void addHiddenColumns(const Page& page, const std::vector<int>& words, Grid& grid, double em) {
  std::vector<double> more;
  for (int c = 0; c < grid.cols(); ++c) {
    const double x0 = grid.xs[static_cast<size_t>(c)], x1 = grid.xs[static_cast<size_t>(c) + 1];
    std::vector<int> inside;
    for (const int w : words) {
      const double x = page.words[static_cast<size_t>(w)].box.centerX();
      if (x > x0 && x < x1) inside.push_back(w);
    }
    const auto rows = textRows(page, inside, {0.85, {}});
    size_t wide = 0, numeric = 0;
    for (const auto& row : rows) {
      if (row.segments.size() < 2) continue;
      ++wide;
      if (looksNumeric(textOf(page, row.segments.back().words))) ++numeric;
    }
    if (wide < 3 || wide * 2 < rows.size() || numeric * 10 < wide * 6) continue;
    for (const auto& river : riversOf(rows, em)) more.push_back(river.middle());
  }
  grid.xs.insert(grid.xs.end(), more.begin(), more.end());
  std::sort(grid.xs.begin(), grid.xs.end());
}

/// A heading over two undrawn columns and their own headings below it are parted where no rule does it.
void addHeadingRows(const Page& page, const std::vector<int>& words, Grid& grid, const std::vector<Box>& vertical) {
  const auto rows = textRows(page, words, {0.85, vertical});
  std::vector<double> more;
  for (size_t i = 1; i < rows.size(); ++i) {
    for (const auto& above : rows[i - 1].segments) {
      for (size_t x = 1; x + 1 < grid.xs.size(); ++x) {
        const double edge = grid.xs[x];
        const double y = (rows[i - 1].box.y1 + rows[i].box.y0) / 2.0;
        if (above.box.x0 > edge - grid.tolerance || above.box.x1 < edge + grid.tolerance) continue;
        if (coverage(grid.vertical, edge, grid.tolerance, rows[i - 1].box.y0, rows[i].box.y1) > 0.4) continue;
        const Segment* left = nullptr;
        const Segment* right = nullptr;
        for (const auto& s : rows[i].segments) {
          if (s.box.x1 <= edge && s.box.x0 >= grid.xs[x - 1]) left = &s;
          if (s.box.x0 >= edge && s.box.x1 <= grid.xs[x + 1]) right = &s;
        }
        if (left == nullptr || right == nullptr) continue;
        more.push_back(y);
        grid.horizontal.push_back({y, grid.xs[x - 1], grid.xs[x + 1]});
      }
    }
  }
  grid.ys.insert(grid.ys.end(), more.begin(), more.end());
  grid.ys = clusters(grid.ys, 0.5 * grid.tolerance);
}

/// A row just below the last rule whose pieces stand in the columns: a sum line that the rules leave outside.
void addRowBelow(const Page& page, const Grid& grid, double em, Table& table) {
  const int bottom = table.box.y1;
  std::vector<int> words;
  for (const int w : wordsIn(page, {table.box.x0, bottom, table.box.x1, bottom + static_cast<int>(1.6 * em)})) {
    if (page.words[static_cast<size_t>(w)].box.y0 > bottom - 0.5 * em) words.push_back(w);
  }
  const auto rows = textRows(page, words, {0.85, {}});
  if (rows.empty() || rows[0].box.y0 - bottom > 0.6 * em) return;
  std::vector<Cell> cells;
  for (const auto& s : rows[0].segments) {
    const auto column = [&](double x) {
      return static_cast<int>(std::upper_bound(grid.xs.begin(), grid.xs.end(), x) - grid.xs.begin()) - 1;
    };
    Cell cell;
    cell.row = table.rows;
    cell.col = column(s.box.x0 + 1);
    if (cell.col != column(s.box.x1 - 1) || cell.col < 0 || cell.col >= table.cols) return;
    if (!cells.empty() && cells.back().col == cell.col) return;
    cell.words = s.words;
    cell.box = s.box;
    cell.text = textOf(page, s.words);
    cells.push_back(std::move(cell));
  }
  const auto figures = std::count_if(cells.begin(), cells.end(), [](const Cell& c) { return looksNumeric(c.text); });
  if (cells.size() < 3 || static_cast<int>(cells.size()) * 10 < table.cols * 6 ||
      figures * 2 < static_cast<long>(cells.size()))
    return;
  table.box = unite(table.box, rows[0].box);
  table.cells.insert(table.cells.end(), cells.begin(), cells.end());
  ++table.rows;
}

int headerRows(const Table& table) {
  int rows = 0;
  for (int r = 0; r < table.rows && r < 5; ++r) {
    int texts = 0, numeric = 0;
    for (const auto& c : table.cells) {
      if (c.row != r || c.text.empty()) continue;
      ++texts;
      if (looksNumeric(c.text)) ++numeric;
    }
    if (numeric * 3 > texts) break;
    ++rows;
    bool spans = false;
    for (const auto& c : table.cells) spans = spans || (c.row <= r && c.row + c.row_span > r + 1 && !c.text.empty());
    bool wide = false;
    for (const auto& c : table.cells) wide = wide || (c.row == r && c.col_span > 1 && !c.text.empty());
    if (!spans && !wide) break;
  }
  return rows < table.rows ? rows : 0;
}

}  // namespace

std::vector<int> wordsIn(const Page& page, const Box& box) {
  std::vector<int> out;
  for (size_t i = 0; i < page.words.size(); ++i) {
    const Box& b = page.words[i].box;
    if (b.centerX() >= box.x0 && b.centerX() < box.x1 && b.centerY() >= box.y0 && b.centerY() < box.y1) {
      out.push_back(static_cast<int>(i));
    }
  }
  return out;
}

std::vector<RuleGroup> ruleGroups(const Page& page, double em) {
  const double reach = 0.4 * em;
  const size_t n = page.rules.size();
  std::vector<int> parent(n);
  std::iota(parent.begin(), parent.end(), 0);
  for (size_t i = 0; i < n; ++i) {
    if (page.rules[i].orientation != Orientation::kHorizontal) continue;
    const Box& h = page.rules[i].box;
    for (size_t j = 0; j < n; ++j) {
      if (page.rules[j].orientation != Orientation::kVertical) continue;
      const Box& v = page.rules[j].box;
      if (v.centerX() >= h.x0 - reach && v.centerX() <= h.x1 + reach && h.centerY() >= v.y0 - reach &&
          h.centerY() <= v.y1 + reach) {
        parent[static_cast<size_t>(rootOf(parent, static_cast<int>(j)))] = rootOf(parent, static_cast<int>(i));
      }
    }
  }
  // Pieces of one line that crossing lines or bad print have parted.
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = i + 1; j < n; ++j) {
      if (page.rules[i].orientation != page.rules[j].orientation) continue;
      const Ruling a = rulingOf(page.rules[i].box, page.rules[i].orientation);
      const Ruling b = rulingOf(page.rules[j].box, page.rules[j].orientation);
      const double apart = std::max(a.from, b.from) - std::min(a.to, b.to);
      const bool vertical = page.rules[i].orientation == Orientation::kVertical;
      if (std::abs(a.at - b.at) > 0.25 * em || apart > (vertical ? 1.5 : 0.8) * em) continue;
      parent[static_cast<size_t>(rootOf(parent, static_cast<int>(j)))] = rootOf(parent, static_cast<int>(i));
    }
  }
  std::map<int, RuleGroup> groups;
  for (size_t i = 0; i < n; ++i) {
    RuleGroup& group = groups[rootOf(parent, static_cast<int>(i))];
    const Box& box = page.rules[i].box;
    group.box = unite(group.box, box);
    (page.rules[i].orientation == Orientation::kHorizontal ? group.horizontal : group.vertical).push_back(box);
  }
  std::vector<RuleGroup> out;
  for (auto& [root, group] : groups) {
    if (!group.horizontal.empty() && !group.vertical.empty()) out.push_back(std::move(group));
  }
  return out;
}

std::optional<Table> latticeTable(const Page& page, const RuleGroup& group, double em) {
  if (group.horizontal.size() < 2 || group.vertical.empty()) return std::nullopt;
  Grid grid = gridOf(group.horizontal, group.vertical, em);
  if (grid.cols() < 1 || grid.rows() < 1 || grid.rows() > kMaxGrid || grid.cols() > kMaxGrid) return std::nullopt;
  const Box area{static_cast<int>(grid.xs.front()), static_cast<int>(grid.ys.front()),
                 static_cast<int>(grid.xs.back()) + 1, static_cast<int>(grid.ys.back()) + 1};
  const auto words = wordsIn(page, area);
  addHiddenColumns(page, words, grid, em);
  addHiddenRows(page, words, grid, group.vertical);
  addHeadingRows(page, words, grid, group.vertical);
  if (grid.rows() < 2 || grid.cols() < 2 || grid.rows() > kMaxGrid || grid.cols() > kMaxGrid) return std::nullopt;
  Table table;
  table.kind = "ruled";
  table.rows = grid.rows();
  table.cols = grid.cols();
  table.box = area;
  table.cells = cellsOf(grid, placesOf(page, words, grid, group.vertical));
  placeWords(page, words, table.cells);
  addRowBelow(page, grid, em, table);
  compact(table);
  const auto filled =
      std::count_if(table.cells.begin(), table.cells.end(), [](const Cell& c) { return !c.text.empty(); });
  if (table.rows < 2 || table.cols < 2 || filled < 4) return std::nullopt;
  table.header_rows = headerRows(table);
  return table;
}

}  // namespace lectern::reader
