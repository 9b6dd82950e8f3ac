#pragma once
// Lines, blocks and reading order of a page from its words.

#include <vector>

#include "reader/page/page.h"

namespace lectern::reader {

/// One line of words as recognition gives it: the region it was read from and its words, left to right.
struct LineInput {
  TextRegion region;
  std::vector<Word> words;
};

/// Fills page.words, page.lines (one a non-empty input, text joined with single spaces) and page.blocks in reading
/// order; words and lines are renumbered to follow that order, so ids given afterwards run as a person reads.
void layOut(Page& page, std::vector<LineInput> inputs);

/// Blocks of lines: lines that share a left edge, a centre or a right edge, stand close below each other and have
/// similar heights. Indexes into `lines`.
std::vector<std::vector<int>> groupLines(const std::vector<Line>& lines);

/// Reading order of boxes by recursive cuts along white space (XY-cut): columns before rows where a white river parts
/// them.
std::vector<int> readingOrder(const std::vector<Box>& boxes);

/// Lines of words whose places are known (a PDF's text layer): words of one height on the page, cut at wide gaps.
std::vector<LineInput> linesFromWords(std::vector<Word> words);

}  // namespace lectern::reader
