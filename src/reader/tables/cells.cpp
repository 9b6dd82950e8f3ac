#include "reader/tables/cells.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

namespace lectern::reader {

Ruling rulingOf(const Box& box, Orientation orientation) {
  if (orientation == Orientation::kHorizontal) return {box.centerY(), double(box.x0), double(box.x1)};
  return {box.centerX(), double(box.y0), double(box.y1)};
}

double coverage(const std::vector<Ruling>& rulings, double at, double tolerance, double from, double to) {
  if (to <= from) return 1;
  std::vector<std::pair<double, double>> parts;
  for (const auto& r : rulings) {
    if (std::abs(r.at - at) > tolerance) continue;
    const double a = std::max(from, r.from), b = std::min(to, r.to);
    if (b > a) parts.emplace_back(a, b);
  }
  std::sort(parts.begin(), parts.end());
  double covered = 0, reach = from;
  for (const auto& [a, b] : parts) {
    covered += std::max(0.0, b - std::max(a, reach));
    reach = std::max(reach, b);
  }
  return covered / (to - from);
}

std::vector<double> clusters(std::vector<double> positions, double tolerance) {
  std::sort(positions.begin(), positions.end());
  std::vector<double> out;
  double sum = 0;
  int n = 0;
  double last = 0;
  for (const double p : positions) {
    if (n > 0 && p - last > tolerance) {
      out.push_back(sum / n);
      sum = 0;
      n = 0;
    }
    sum += p;
    ++n;
    last = p;
  }
  if (n > 0) out.push_back(sum / n);
  return out;
}

std::string cellText(const Page& page, const std::vector<int>& words) {
  std::string text;
  for (const auto& row : textRows(page, words, {1e9, {}})) {
    for (const auto& segment : row.segments) {
      if (!text.empty()) text += ' ';
      text += textOf(page, segment.words);
    }
  }
  return text;
}

namespace {

/// New numbers for the indexes that are used.
std::vector<int> renumber(const std::vector<bool>& used) {
  std::vector<int> to(used.size() + 1);
  int next = 0;
  for (size_t i = 0; i < used.size(); ++i) {
    to[i] = next;
    if (used[i]) ++next;
  }
  to[used.size()] = next;
  return to;
}

}  // namespace

void compact(Table& table) {
  std::vector<bool> rows(static_cast<size_t>(table.rows)), cols(static_cast<size_t>(table.cols));
  for (const auto& c : table.cells) {
    if (c.text.empty()) continue;
    rows[static_cast<size_t>(c.row)] = true;
    cols[static_cast<size_t>(c.col)] = true;
  }
  const auto row_to = renumber(rows), col_to = renumber(cols);
  std::vector<Cell> kept;
  Box box;
  for (auto cell : table.cells) {
    const int r1 = row_to[static_cast<size_t>(cell.row + cell.row_span)];
    const int c1 = col_to[static_cast<size_t>(cell.col + cell.col_span)];
    cell.row = row_to[static_cast<size_t>(cell.row)];
    cell.col = col_to[static_cast<size_t>(cell.col)];
    cell.row_span = r1 - cell.row;
    cell.col_span = c1 - cell.col;
    if (cell.row_span <= 0 || cell.col_span <= 0) continue;
    box = unite(box, cell.box);
    kept.push_back(std::move(cell));
  }
  table.header_rows = row_to[static_cast<size_t>(std::clamp(table.header_rows, 0, table.rows))];
  table.rows = row_to.back();
  table.cols = col_to.back();
  table.cells = std::move(kept);
  if (table.box.empty()) table.box = box;
  std::sort(table.cells.begin(), table.cells.end(),
            [](const Cell& a, const Cell& b) { return std::pair(a.row, a.col) < std::pair(b.row, b.col); });
}

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// Made of digits and what stands between them in figures only: "1,040E-09", "31554 (12.2)", "<0.05*".
bool isFigure(const std::string& text) {
  constexpr std::string_view kMarks = " .,+-%()*/:<>=$";
  constexpr std::string_view kWide[] = {"−", "–", "±", "≤", "≥", "€", "£", "×"};
  bool digits = false;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    const auto wide = std::find_if(std::begin(kWide), std::end(kWide),
                                   [&](std::string_view w) { return text.compare(i, w.size(), w) == 0; });
    const bool power = (c == 'E' || c == 'e') && i > 0 && isDigit(text[i - 1]) && i + 1 < text.size() &&
                       (text[i + 1] == '-' || text[i + 1] == '+');
    digits = digits || isDigit(c);
    if (wide == std::end(kWide) && !isDigit(c) && !power && kMarks.find(c) == std::string_view::npos) return false;
    i += wide == std::end(kWide) ? 1 : wide->size();
  }
  return digits;
}

/// The text with letters beside digits and separators taken back to the digits they look like; empty when more than a
/// third of its digits would be made so.
std::string asFigure(std::string text) {
  constexpr std::string_view kLetters = "SsOoQlI|BZ{", kDigits = "5500011182(";
  size_t digits = 0, changed = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    digits += isDigit(text[i]) ? 1 : 0;
    const size_t at = kLetters.find(text[i]);
    if (at == std::string_view::npos) continue;
    const auto figure = [&](size_t k) { return isDigit(text[k]) || text[k] == '.' || text[k] == ','; };
    const bool beside = (i > 0 && figure(i - 1)) || (i + 1 < text.size() && figure(i + 1));
    if (!beside) return "";
    changed += text[i] == '{' ? 0 : 1;
    text[i] = kDigits[at];
  }
  return 2 * changed <= digits && isFigure(text) ? text : "";
}

}  // namespace

void repairFigures(Table& table) {
  std::vector<int> figures(static_cast<size_t>(table.cols)), entries(static_cast<size_t>(table.cols));
  const auto single = [&](const Cell& c) { return c.row >= table.header_rows && c.col_span == 1 && !c.text.empty(); };
  for (const auto& c : table.cells) {
    if (!single(c)) continue;
    ++entries[static_cast<size_t>(c.col)];
    figures[static_cast<size_t>(c.col)] += isFigure(c.text) ? 1 : 0;
  }
  for (auto& c : table.cells) {
    const auto col = static_cast<size_t>(c.col);
    if (!single(c) || figures[col] < 3 || 5 * figures[col] < 3 * entries[col] || isFigure(c.text)) continue;
    if (std::string repaired = asFigure(c.text); !repaired.empty()) c.text = std::move(repaired);
  }
}

std::vector<Table> splitRepeated(Table table) {
  const int period_max = table.cols / 2;
  std::map<std::pair<int, int>, const Cell*> at;
  for (const auto& c : table.cells) at[{c.row, c.col}] = &c;
  const int rows = std::max(1, table.header_rows);
  const auto headingAt = [&](int row, int col) {
    const auto it = at.find({row, col});
    return it == at.end() ? std::string() : it->second->text;
  };
  const auto repeats = [&](int period) {
    if (table.cols % period != 0) return false;
    bool any = false;
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < table.cols; ++c) {
        const std::string text = headingAt(r, c);
        if (text != headingAt(r, c % period)) return false;
        any = any || !text.empty();
      }
    }
    // Every column needs a heading of its own, or chance would decide.
    for (int c = 0; c < period && any; ++c) {
      bool named = false;
      for (int r = 0; r < rows; ++r) named = named || !headingAt(r, c).empty();
      any = named;
    }
    return any;
  };
  for (int period = 2; period <= period_max; ++period) {
    if (!repeats(period)) continue;
    std::vector<Table> out(static_cast<size_t>(table.cols / period));
    for (size_t i = 0; i < out.size(); ++i) {
      Table& part = out[i];
      part.kind = table.kind;
      part.rows = table.rows;
      part.cols = period;
      part.header_rows = table.header_rows;
      for (const auto& c : table.cells) {
        if (c.col / period != static_cast<int>(i)) continue;
        part.cells.push_back(c);
        part.cells.back().col = c.col % period;
        part.cells.back().col_span = std::min(c.col_span, period - c.col % period);
      }
      compact(part);
    }
    return out;
  }
  return {std::move(table)};
}

}  // namespace lectern::reader
