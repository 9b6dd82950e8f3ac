#include <algorithm>

#include "reader/layout/layout.h"

namespace lectern::reader {

namespace {
constexpr double kSameLineOverlap = 0.5;  // of the smaller height
constexpr double kMaxGapHeights = 1.2;    // white space inside a line, in heights of the word before it
constexpr double kMarkGapHeights = 4;     // between the mark of a list or the number of a section and its text

/// "8.5" or "2.10.1": the number of a section.
bool isSectionNumber(const std::string& text) {
  int parts = 0, digits = 0;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      if (++digits == 1) ++parts;
      if (digits > 2) return false;
    } else if (c == '.' && digits > 0) {
      digits = 0;
    } else {
      return false;
    }
  }
  return parts >= 2 && parts <= 5;
}

bool isBullet(const std::string& text) {
  for (const char* mark : {"•", "●", "■", "▪", "◦", "‣", "\uf0b7", "\uf0a7"}) {
    if (text == mark) return true;
  }
  return false;
}

/// True when the row is a mark and one line of text: they stay together, or marks make a column of their own.
bool isMarked(const std::vector<Word>& row) {
  if (row.size() < 2) return false;
  const Word &mark = row[0], &text = row[1];
  const bool number = isSectionNumber(mark.text) && text.text[0] >= 'A' && text.text[0] <= 'Z';
  if (!number && !isBullet(mark.text)) return false;
  if (text.box.x0 - mark.box.x1 > kMarkGapHeights * text.box.height()) return false;
  for (size_t i = 2; i < row.size(); ++i) {
    if (row[i].box.x0 - row[i - 1].box.x1 > kMaxGapHeights * row[i - 1].box.height()) return false;
  }
  return true;
}
}  // namespace

std::vector<LineInput> linesFromWords(std::vector<Word> words) {
  std::stable_sort(words.begin(), words.end(),
                   [](const Word& a, const Word& b) { return a.box.centerY() < b.box.centerY(); });
  // Rows first: words are sorted by height on the page, so a word belongs to one of the last rows or starts a new one.
  std::vector<std::vector<Word>> rows;
  std::vector<Box> boxes;
  for (auto& word : words) {
    size_t row = rows.size();
    for (size_t r = rows.size() > 12 ? rows.size() - 12 : 0; r < rows.size(); ++r) {
      if (verticalOverlap(boxes[r], word.box) >= kSameLineOverlap) row = r;
    }
    if (row == rows.size()) {
      rows.emplace_back();
      boxes.push_back(word.box);
    }
    rows[row].push_back(std::move(word));
  }
  std::vector<LineInput> lines;
  for (auto& row : rows) {
    std::stable_sort(row.begin(), row.end(), [](const Word& a, const Word& b) { return a.box.x0 < b.box.x0; });
    const bool marked = isMarked(row);
    for (size_t i = 0; i < row.size(); ++i) {
      const bool apart = i == 0 || row[i].box.x0 - row[i - 1].box.x1 > kMaxGapHeights * row[i - 1].box.height();
      const bool starts = apart && !(marked && i == 1);
      if (starts) lines.emplace_back();
      lines.back().words.push_back(row[i]);
      lines.back().region.box = unite(lines.back().region.box, row[i].box);
    }
  }
  for (auto& line : lines) {
    line.region.quad = quadOf(line.region.box);
    line.region.score = 1;
  }
  return lines;
}

}  // namespace lectern::reader
