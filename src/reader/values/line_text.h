#pragma once
// The text of a line with the place of every word in it.

#include <string>
#include <vector>

#include "reader/page/page.h"

namespace lectern::reader {

struct LineText {
  std::string text;           // words with single spaces
  std::string folded;         // the same length: letters that stand for digits among digits are digits
  std::vector<size_t> begin;  // of each word in text
  std::vector<int> words;     // indexes into Page::words

  /// Indexes of the words that [from, to) touches.
  std::vector<int> wordsIn(size_t from, size_t to) const;
};

LineText lineText(const Page& page, const Line& line);

/// O to 0, l and I to 1, S to 5, B to 8, Z to 2 where digits or the marks of dates and numbers stand on both sides.
std::string foldDigits(const std::string& text);

/// Lower case for ASCII letters.
std::string lower(std::string text);

}  // namespace lectern::reader
