#include <algorithm>

#include "reader/layout/layout.h"

namespace lectern::reader {

namespace {

Line lineOf(const LineInput& input, int first_word) {
  Line line;
  for (size_t i = 0; i < input.words.size(); ++i) {
    if (i > 0) line.text += ' ';
    line.text += input.words[i].text;
    line.words.push_back(first_word + static_cast<int>(i));
  }
  line.box = input.region.box;
  line.quad = input.region.quad;
  return line;
}

}  // namespace

void layOut(Page& page, std::vector<LineInput> inputs) {
  std::erase_if(inputs, [](const LineInput& l) { return l.words.empty(); });
  std::vector<Line> lines;
  for (const auto& input : inputs) lines.push_back(lineOf(input, 0));
  const auto groups = groupLines(lines);
  std::vector<Box> boxes;
  for (const auto& group : groups) {
    Box box;
    for (const int i : group) box = unite(box, lines[static_cast<size_t>(i)].box);
    boxes.push_back(box);
  }
  page.words.clear();
  page.lines.clear();
  page.blocks.clear();
  for (const int g : readingOrder(boxes)) {
    Block block;
    block.box = boxes[static_cast<size_t>(g)];
    block.role = "paragraph";
    for (const int i : groups[static_cast<size_t>(g)]) {
      const LineInput& input = inputs[static_cast<size_t>(i)];
      Line line = lineOf(input, static_cast<int>(page.words.size()));
      line.block = static_cast<int>(page.blocks.size());
      for (Word word : input.words) {
        word.line = static_cast<int>(page.lines.size());
        page.words.push_back(std::move(word));
      }
      if (!block.text.empty()) block.text += '\n';
      block.text += line.text;
      block.lines.push_back(static_cast<int>(page.lines.size()));
      page.lines.push_back(std::move(line));
    }
    page.blocks.push_back(std::move(block));
  }
}

}  // namespace lectern::reader
