#include <algorithm>

#include "reader/layout/layout.h"

namespace lectern::reader {

namespace {
constexpr double kSameLineOverlap = 0.5;  // of the smaller height
constexpr double kMaxGapHeights = 1.2;    // white space inside a line, in heights of the word before it
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
    for (size_t i = 0; i < row.size(); ++i) {
      const bool starts = i == 0 || row[i].box.x0 - row[i - 1].box.x1 > kMaxGapHeights * row[i - 1].box.height();
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
