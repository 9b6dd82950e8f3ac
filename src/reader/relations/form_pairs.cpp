#include "reader/relations/form_pairs.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>

#include "reader/page/rows.h"

namespace lectern::reader {

namespace {

Piece& at(FormPage& form, int i) { return form.pieces[static_cast<size_t>(i)]; }
bool capitals(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}
bool freePiece(const Piece& p) { return !p.label && !p.taken && !p.key; }

/// The drawn box whose upper edge a label hangs from; its sides are the page's where none is drawn.
struct Room {
  double left = 0, right = 0, bottom = 0;
};

std::optional<Room> roomBelow(const FormPage& form, const Box& label) {
  const double em = form.em, x = label.centerX(), y = label.centerY();
  Room room{0, static_cast<double>(form.page.width), 1e9};
  bool hangs = false;
  for (const auto& r : form.page.rules) {
    if (r.orientation == Orientation::kHorizontal) {
      const double shared = std::min(r.box.x1, label.x1) - std::max(r.box.x0, label.x0);
      if (shared < 0.6 * label.width()) continue;
      const double at = r.box.centerY();
      if (at < y && at > label.y0 - 0.9 * em) hangs = true;
      if (at > y) room.bottom = std::min(room.bottom, at);
    } else if (r.box.y0 < label.y1 && r.box.y1 > y) {
      const double at = r.box.centerX();
      if (at < x) room.left = std::max(room.left, at);
      if (at > x) room.right = std::min(room.right, at);
    }
  }
  if (!hangs || room.bottom - label.y1 < 0.6 * em || room.bottom - label.y1 > 12 * em) return std::nullopt;
  return room;
}

}  // namespace

namespace {

/// What stands in the room below a label, with the further small labels that begin at its left edge: top to bottom.
std::vector<int> membersOf(const FormPage& form, int label, const Room& room) {
  const Box& box = form.pieces[static_cast<size_t>(label)].box;
  std::vector<int> members;
  for (const int j : form.between(box.y0, room.bottom)) {
    const Piece& p = form.pieces[static_cast<size_t>(j)];
    if (j != label && p.box.centerX() >= room.left && p.box.centerX() <= room.right) members.push_back(j);
  }
  return members;
}

/// Belongs below the label: no label of its own, and neither left of it nor beside it in the same size.
bool hangsBelow(const FormPage& form, const Piece& label, const Piece& p) {
  return p.box.y0 > label.box.y0 + 0.25 * form.em && p.box.x0 > label.box.x0 - 1.5 * form.em && !p.colon &&
         freePiece(p) && (!sameRow(label.box, p.box) || label.box.height() < p.box.height());
}

/// A further label of the same small print, below the first one.
bool nextLabel(const FormPage& form, const Piece& label, const Piece& p) {
  return p.box.y0 > label.box.y1 - 0.2 * form.em && std::abs(p.box.x0 - label.box.x0) < form.em &&
         p.box.height() < 1.2 * label.box.height() && labelLike(p.text) && (formWord(p.text) || capitals(p.text));
}

/// Two labels in the same print, the upper one's place left empty.
bool sameKind(const Piece& upper, const Piece& lower) {
  return formWord(upper.text) && formWord(lower.text) && capitals(upper.text) == capitals(lower.text) &&
         lower.box.height() > 0.85 * upper.box.height();
}

/// Pieces that come by the middle of their height, put row by row.
void sortByRows(const FormPage& form, std::vector<int>& pieces) {
  const auto box = [&](int i) -> const Box& { return form.pieces[static_cast<size_t>(i)].box; };
  for (auto row = pieces.begin(); row != pieces.end();) {
    auto end = row;
    while (end != pieces.end() && sameRow(box(*row), box(*end))) ++end;
    std::sort(row, end, [&](int a, int b) { return box(a).x0 < box(b).x0; });
    row = end;
  }
}

/// Pairs a label with its members; false when they are not one value.
bool pairBoxed(FormPage& form, Piece& label, std::vector<int> members, std::vector<KeyValue>& out) {
  double heights = 0;
  for (const int m : members) {
    if (!hangsBelow(form, label, at(form, m))) return false;
    heights += at(form, m).box.height();
  }
  if (members.size() > 8) return false;
  sortByRows(form, members);
  const bool small = !members.empty() && label.box.height() < 0.9 * heights / static_cast<double>(members.size());
  if (!small && !formWord(label.text) && !capitals(label.text)) return false;
  label.key = label.label = true;
  if (members.empty()) return true;  // a box left empty
  KeyValue kv{label.text, "", label.words, {}, 0.6f};
  for (const int m : members) {
    Piece& p = at(form, m);
    p.taken = true;
    kv.value += (kv.value.empty() ? "" : " ") + p.text;
    kv.value_words.insert(kv.value_words.end(), p.words.begin(), p.words.end());
  }
  out.push_back(std::move(kv));
  return true;
}

}  // namespace

void boxedLabels(FormPage& form, std::vector<KeyValue>& out) {
  for (const int i : form.by_y) {
    if (!freePiece(at(form, i)) || !labelLike(at(form, i).text)) continue;
    const auto room = roomBelow(form, at(form, i).box);
    if (!room) continue;
    int label = i;
    std::vector<int> below;
    for (const int m : membersOf(form, i, *room)) {
      if (nextLabel(form, at(form, label), at(form, m)) && (!below.empty() || sameKind(at(form, label), at(form, m)))) {
        if (!pairBoxed(form, at(form, label), below, out)) break;
        label = m;
        below.clear();
      } else {
        below.push_back(m);
      }
    }
    pairBoxed(form, at(form, label), below, out);
  }
}

void listLabels(FormPage& form, std::vector<KeyValue>& out) {
  static const RE2 pattern("(?i)(?:c|b?cc|xc|copies|copy to|copies to|distribution)\\s*[:.]");
  for (size_t i = 0; i < form.pieces.size(); ++i) {
    Piece& label = form.pieces[i];
    if (label.taken || label.key || !RE2::FullMatch(label.text, pattern)) continue;
    std::vector<int> entries;
    double bottom = label.box.y1;
    for (const int j : form.between(label.box.y0 - 0.2 * form.em, form.page.height)) {
      const Piece& p = at(form, j);
      // Entries beside the label stand right of it; those of the rows below may begin where it does.
      const double left_edge = label.box.x0 + (sameRow(p.box, label.box) ? 0.5 : -0.5) * form.em;
      if (&p == &label || p.box.x0 < left_edge) continue;
      if (p.box.y0 - bottom > 1.6 * form.em || p.label || p.words.size() > 6) break;
      if (freePiece(p)) entries.push_back(j);
      bottom = std::max(bottom, static_cast<double>(p.box.y1));
    }
    if (entries.size() < 2) continue;
    label.key = true;
    for (const int j : entries) {
      Piece& entry = at(form, j);
      entry.taken = true;
      out.push_back({label.text, entry.text, label.words, entry.words, 0.7f});
    }
  }
}

namespace {

struct Column {
  std::vector<int> head;  // lines of the heading, top to bottom
  Box box;
  std::vector<int> cells;
};

/// A label, "2019 cost", or a column's sign alone.
bool headLike(std::string text) {
  static const RE2 year("\\b(?:19|20)[0-9]{2}\\b");
  if (text == "%" || text == "#") return true;
  RE2::GlobalReplace(&text, year, "");
  return !text.empty() && labelLike(text);
}

/// The next piece of a row of headings: a heading of one line stands at half the height of those of two.
int nextHead(const FormPage& form, const Piece& p) {
  if (p.right >= 0) return p.right;
  int best = -1;
  for (const int j : form.between(p.box.centerY() - 0.9 * form.em, p.box.centerY() + 0.9 * form.em)) {
    const Piece& q = form.pieces[static_cast<size_t>(j)];
    if (q.box.x0 > p.box.x1 && (best < 0 || q.box.x0 < form.pieces[static_cast<size_t>(best)].box.x0)) best = j;
  }
  return best;
}

/// The free label-like pieces of a row, left to right, from a piece that has none to its left.
std::vector<Column> headRow(FormPage& form, int first) {
  std::vector<Column> heads;
  for (int i = first; i >= 0; i = nextHead(form, at(form, i))) {
    const Piece& p = at(form, i);
    if (!freePiece(p) || !headLike(p.text) || p.words.size() > 5 || p.box.height() > 1.7 * form.em) break;
    heads.push_back({{i}, p.box, {}});
  }
  return heads;
}

/// The column whose heading a cell stands under; -1: none, -2: several.
int columnOf(const FormPage& form, const std::vector<Column>& columns, const Box& box) {
  int best = -1, covered = 0;
  double nearest = 1e9;
  for (size_t c = 0; c < columns.size(); ++c) {
    const Box& h = columns[c].box;
    const int shared = std::min(h.x1, box.x1) - std::max(h.x0, box.x0);
    if (shared > 0.6 * h.width()) ++covered;
    const double away = shared > 0 ? std::abs(h.centerX() - box.centerX()) / 1000
                                   : std::max(h.x0 - box.x1, box.x0 - h.x1);
    if (away < nearest) {
      nearest = away;
      best = static_cast<int>(c);
    }
  }
  if (covered > 1) return -2;
  return nearest <= 1.5 * form.em ? best : -1;
}

/// A row that holds a number or a code is no line of headings.
bool dataRow(const FormPage& form, const std::vector<Column>& columns, const Box& row) {
  const auto near = form.between(row.y0, row.y1);
  return std::any_of(near.begin(), near.end(), [&](int j) {
    const Piece& p = form.pieces[static_cast<size_t>(j)];
    return sameRow(p.box, row) && p.box.x1 > columns.front().box.x0 - form.em &&
           p.box.x0 < columns.back().box.x1 + form.em && !headLike(p.text);
  });
}

/// Second and third lines of headings: close below, centred or left aligned, no line between.
void growHeads(FormPage& form, std::vector<Column>& columns) {
  for (auto& column : columns) {
    for (int lines = 0; lines < 2; ++lines) {
      int next = -1;
      for (const int j : form.between(column.box.y1, column.box.y1 + 1.3 * form.em)) {
        const Piece& p = at(form, j);
        if (!freePiece(p) || !labelLike(p.text) || p.box.y0 - column.box.y1 > 0.2 * form.em) continue;
        if (dataRow(form, columns, p.box)) continue;
        const bool centred = std::abs(p.box.centerX() - column.box.centerX()) < 0.8 * form.em ||
                             std::abs(p.box.x0 - column.box.x0) < 0.5 * form.em;
        if (centred && at(form, column.head.back()).under < 0) next = j;
      }
      if (next < 0) break;
      column.head.push_back(next);
      column.box = unite(column.box, at(form, next).box);
    }
  }
}

/// Fills in the cells: rows below the headings as long as their pieces keep to the columns. Returns how many rows
/// have entries and how many entries there are.
std::pair<size_t, size_t> columnsBelow(FormPage& form, std::vector<Column>& columns) {
  Box area;
  for (const auto& c : columns) area = unite(area, c.box);
  const double em = form.em, x0 = area.x0 - 1.5 * em, x1 = area.x1 + 1.5 * em;
  const auto is_head = [&](int j) {
    return std::any_of(columns.begin(), columns.end(), [&](const Column& c) {
      return std::find(c.head.begin(), c.head.end(), j) != c.head.end();
    });
  };
  double bottom = area.y1, row = area.y1 - 0.5 * em, widest = 0, pitch = 0;
  size_t rows = 0, cells = 0;
  for (const int j : form.between(area.y0, form.page.height)) {
    const Piece& p = at(form, j);
    if (p.box.x1 <= x0 || p.box.x0 >= x1 || p.box.y0 < area.y1 - 0.5 * em || is_head(j)) continue;
    // Rows of a table keep their distance: much more space than before is the end.
    const double space = p.box.y0 - bottom;
    if (space > (cells == 0 ? 2.0 : std::min(2.6, std::max(1.0, 2 * widest / em + 0.3))) * em) break;
    const int c = columnOf(form, columns, p.box);
    // A label ends the table unless it is an entry that only ends with a colon.
    const bool entry = p.label && p.colon && !p.key && c >= 0 && cells > 0 && p.fill < 0 && p.right < 0 && p.left < 0;
    if (c == -2 || p.box.height() > 2 * em || (p.label && !entry)) break;
    if (c < 0 || (!freePiece(p) && !entry)) continue;
    const double step = p.box.centerY() - row;
    if (pitch > 0 && step > std::max(1.7 * pitch, 1.6 * em)) break;
    columns[static_cast<size_t>(c)].cells.push_back(j);
    ++cells;
    widest = std::max(widest, space);
    if (rows == 0 || step > 0.6 * em) {
      ++rows;
      pitch = std::max(pitch, step);
      row = p.box.centerY();
    }
    bottom = std::max(bottom, static_cast<double>(p.box.y1));
  }
  return {rows, cells};
}

/// What is written on a line has a label before or above it already.
bool labelOnLine(const FormPage& form, const Piece& value, const Box& line) {
  const auto near = form.between(value.box.y0 - 1.5 * form.em, value.box.y1);
  return std::any_of(near.begin(), near.end(), [&](int j) {
    const Piece& p = form.pieces[static_cast<size_t>(j)];
    return &p != &value && !p.taken && labelLike(p.text) && p.box.x0 < value.box.x0 + form.em &&
           std::min(p.box.x1, line.x1) - std::max(p.box.x0, line.x0) > 0.6 * p.box.width();
  });
}

/// A piece straight below a line, with the piece written on that line: "(Signature)", "(City)".
void captions(FormPage& form, std::vector<KeyValue>& out) {
  const double em = form.em;
  for (auto& value : form.pieces) {
    if (!freePiece(value) || value.under < 0) continue;
    const Box& line = form.page.rules[static_cast<size_t>(value.under)].box;
    for (const int j : form.between(line.centerY(), line.y1 + 1.5 * em)) {
      Piece& caption = at(form, j);
      if (&caption == &value || !freePiece(caption) || caption.box.y0 < line.centerY() - 0.4 * em) continue;
      if (caption.box.y0 > line.y1 + 0.7 * em || horizontalOverlap(caption.box, line) < 0.7) continue;
      if (caption.left >= 0 && at(form, caption.left).fill >= 0) continue;  // a hint behind a line to fill in
      const bool bracketed = caption.text.front() == '(' && caption.text.back() == ')';
      if (!bracketed && labelOnLine(form, value, line)) continue;
      if (!bracketed && !(formWord(caption.text) && labelLike(caption.text) && line.width() > 1.3 * value.box.width()))
        continue;
      caption.key = true;
      value.taken = true;
      out.push_back({caption.text, value.text, caption.words, value.words, 0.4f});
      break;
    }
  }
}

}  // namespace

namespace {

/// The first two columns are a list: the left one holds only labels, the other mostly something else.
bool labelColumn(FormPage& form, const std::vector<Column>& columns) {
  if (columns.size() < 2 || columns[0].cells.size() < 2) return false;
  const auto words = [&](const Column& c) {
    return std::count_if(c.cells.begin(), c.cells.end(), [&](int j) { return labelLike(at(form, j).text); });
  };
  return words(columns[0]) == static_cast<long>(columns[0].cells.size()) &&
         2 * words(columns[1]) < static_cast<long>(columns[1].cells.size());
}

/// Headings have a line below them, or stand over entries that are not words as they are: else the rows are lists of
/// labels and values, or of names.
bool tableLike(FormPage& form, const std::vector<Column>& columns, size_t cells) {
  size_t lined = 0, wordy = 0, filled = 0;
  for (const auto& column : columns) {
    lined += std::any_of(form.page.rules.begin(), form.page.rules.end(), [&](const Rule& r) {
      const double shared = std::min(r.box.x1, column.box.x1) - std::max(r.box.x0, column.box.x0);
      return r.orientation == Orientation::kHorizontal && shared > 0.6 * column.box.width() &&
             r.box.centerY() > column.box.y1 - 0.45 * form.em && r.box.centerY() < column.box.y1 + 0.8 * form.em;
    });
    filled += column.cells.empty() ? 0 : 1;
    for (const int j : column.cells) wordy += labelLike(at(form, j).text) ? 1 : 0;
  }
  if (2 * wordy > cells) return lined == columns.size() && filled > 2;
  return lined == columns.size() || filled > 2;
}

}  // namespace

namespace {

/// Rows may have labels of their own, left of all columns: each entry is a value of both.
void rowLabels(FormPage& form, const std::vector<Column>& columns, std::vector<KeyValue>& out) {
  int left_edge = form.page.width;
  for (const auto& column : columns) {
    left_edge = std::min(left_edge, column.box.x0);
    for (const int j : column.cells) left_edge = std::min(left_edge, at(form, j).box.x0);
  }
  for (const auto& column : columns) {
    for (const int j : column.cells) {
      int first = at(form, j).left;
      while (first >= 0 && at(form, first).box.x1 > left_edge) first = at(form, first).left;
      if (first < 0) continue;
      Piece& label = at(form, first);
      if (label.taken || !namesRow(label)) continue;
      if (left_edge - label.box.x1 > 15 * form.em) continue;
      label.key = true;
      const Piece& cell = at(form, j);
      out.push_back({label.text, cell.text, label.words, cell.words, 0.45f});
    }
  }
}

}  // namespace

void columnLabels(FormPage& form, std::vector<KeyValue>& out) {
  captions(form, out);
  for (const int i : form.by_y) {
    const Piece& p = at(form, i);
    if (!freePiece(p) || !labelLike(p.text)) continue;
    if (p.left >= 0 && freePiece(at(form, p.left)) && labelLike(at(form, p.left).text)) continue;
    auto columns = headRow(form, i);
    if (columns.size() < 2) continue;
    growHeads(form, columns);
    auto [rows, cells] = columnsBelow(form, columns);
    while (labelColumn(form, columns)) {
      columns.erase(columns.begin(), columns.begin() + 2);
      for (auto& column : columns) column.cells.clear();
      if (columns.size() > 1) std::tie(rows, cells) = columnsBelow(form, columns);
    }
    if (columns.size() < 2) continue;
    if (!tableLike(form, columns, cells)) continue;
    const auto filled = std::count_if(columns.begin(), columns.end(), [](const Column& c) { return !c.cells.empty(); });
    // A table fills its rows: half of the places of the columns that hold anything.
    if (filled < 2 || 2 * cells < rows * static_cast<size_t>(filled) + 1 || 2 * static_cast<size_t>(filled) < columns.size())
      continue;
    for (const auto& column : columns) {
      KeyValue head;
      for (const int h : column.head) {
        Piece& line = at(form, h);
        line.key = true;
        head.key += (head.key.empty() ? "" : " ") + line.text;
        head.key_words.insert(head.key_words.end(), line.words.begin(), line.words.end());
      }
      for (size_t k = 0; k < column.cells.size(); ++k) {
        Piece& cell = at(form, column.cells[k]);
        KeyValue kv{head.key, cell.text, head.key_words, cell.words, 0.45f};
        cell.taken = true;
        for (; k + 1 < column.cells.size() && sameRow(cell.box, at(form, column.cells[k + 1]).box); ++k) {
          Piece& rest = at(form, column.cells[k + 1]);  // of the same row
          rest.taken = true;
          const bool before = rest.box.x0 < cell.box.x0;
          kv.value = before ? rest.text + ' ' + kv.value : kv.value + ' ' + rest.text;
          kv.value_words.insert(before ? kv.value_words.begin() : kv.value_words.end(), rest.words.begin(), rest.words.end());
        }
        out.push_back(std::move(kv));
      }
    }
    rowLabels(form, columns, out);
  }
}

namespace {

/// Set apart as a heading is: underlined, in capitals, larger, or with a colon and nothing behind it.
bool headingLike(const FormPage& form, const Piece& p) {
  if (!freePiece(p) && !(p.label && !p.key)) return false;
  if (p.fill >= 0 || p.taken || p.words.size() > 8 || !labelLike(p.text)) return false;
  const char initial = p.text.front();
  if (initial >= 'a' && initial <= 'z') return false;
  bool underlined = false;
  if (p.under >= 0) {
    const Box& line = form.page.rules[static_cast<size_t>(p.under)].box;
    underlined = std::abs(line.x0 - p.box.x0) < 1.5 * form.em && std::abs(line.x1 - p.box.x1) < 1.5 * form.em;
  }
  if (!underlined && !p.colon) {  // the upper line of a label of two lines
    for (const int j : form.between(p.box.y1, p.box.y1 + 1.2 * form.em)) {
      const Piece& q = form.pieces[static_cast<size_t>(j)];
      if (q.colon && q.box.y0 - p.box.y1 < 0.35 * form.em && std::abs(q.box.x0 - p.box.x0) < 0.6 * form.em) return false;
    }
  }
  if (p.under >= 0 && !underlined && !p.colon) return false;  // written on a line to fill in
  return underlined || p.colon || capitals(p.text) || p.box.height() > 1.25 * form.em;
}

}  // namespace

void sectionLabels(FormPage& form, std::vector<KeyValue>& out) {
  const double em = form.em;
  std::vector<int> section(form.pieces.size(), -1);
  std::map<int, std::vector<int>> members;
  for (const int i : form.by_y) {
    const Piece& label = at(form, i);
    if ((!label.key && !label.label) || label.taken) continue;
    // What stands straight above: a label of the same section, or the heading.
    int above = -1;
    for (const int j : form.between(label.box.y0 - 3.2 * em, label.box.y0)) {
      const Piece& p = at(form, j);
      if (p.box.y1 > label.box.y0 + 0.5 * em || p.taken) continue;
      const bool peer = (p.key || p.label) && section[static_cast<size_t>(j)] >= 0 &&
                        std::abs(p.box.x0 - label.box.x0) < 1.2 * em;
      // A heading alone in its row may be centred.
      const bool alone = p.left < 0 && p.right < 0 && p.words.size() > 1 && !p.colon &&
                         p.box.x0 < label.box.x0 + 25 * em;
      const bool heading = headingLike(form, p) && (alone || p.box.x0 < label.box.x0 + 1.5 * em) &&
                           p.box.x0 > label.box.x0 - 4 * em;
      if (peer || heading) above = j;
    }
    if (above < 0) continue;
    // A label that ends with a colon and has no value is a heading to labels that have none, or when it is long.
    const Piece& over = at(form, above);
    const bool heads = over.colon && !over.key && over.fill < 0 && (!label.colon || over.words.size() > 3);
    int own = section[static_cast<size_t>(above)];
    if (heads && own >= 0 && own != above) {
      std::erase(members[own], above);
      own = -1;
      section[static_cast<size_t>(above)] = above;
    }
    section[static_cast<size_t>(i)] = own >= 0 ? own : above;
    members[section[static_cast<size_t>(i)]].push_back(i);
  }
  for (const auto& [heading, labels] : members) {
    if (labels.size() < 2) continue;
    const Piece& h = at(form, heading);
    for (const int l : labels) {
      const Piece& label = at(form, l);
      out.push_back({h.text, label.text, h.words, label.words, 0.4f, true});
    }
  }
}

}  // namespace lectern::reader
