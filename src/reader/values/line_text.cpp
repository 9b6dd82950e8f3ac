#include "reader/values/line_text.h"

#include <algorithm>

namespace lectern::reader {

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isMark(char c) { return c == '-' || c == '/' || c == '.' || c == ':' || c == ','; }

char digitFor(char c) {
  switch (c) {
    case 'O':
    case 'o':
    case 'Q':
    case 'D':
      return '0';
    case 'l':
    case 'I':
    case '|':
    case '!':
      return '1';
    case 'S':
      return '5';
    case 'B':
      return '8';
    case 'Z':
      return '2';
    default:
      return 0;
  }
}

}  // namespace

std::string foldDigits(const std::string& text) {
  std::string out = text;
  for (size_t i = 0; i < text.size(); ++i) {
    const char digit = digitFor(text[i]);
    if (digit == 0) continue;
    const char before = i > 0 ? out[i - 1] : ' ';
    const char after = i + 1 < text.size() ? text[i + 1] : ' ';
    const bool left = isDigit(before) || isMark(before);
    const bool right = isDigit(after) || isMark(after);
    const bool end = after == ' ';
    const bool dated = i >= 5 && isDigit(before) && (out[i - 2] == '/' || out[i - 2] == '-');
    if ((left && right && (isDigit(before) || isDigit(after))) || (end && dated)) out[i] = digit;
  }
  return out;
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

std::vector<int> LineText::wordsIn(size_t from, size_t to) const {
  std::vector<int> out;
  for (size_t i = 0; i < words.size(); ++i) {
    const size_t end = i + 1 < words.size() ? begin[i + 1] - 1 : text.size();
    if (begin[i] < to && end > from) out.push_back(words[i]);
  }
  return out;
}

LineText lineText(const Page& page, const Line& line) {
  LineText out;
  for (const int w : line.words) {
    if (!out.text.empty()) out.text += ' ';
    out.begin.push_back(out.text.size());
    out.text += page.words[static_cast<size_t>(w)].text;
    out.words.push_back(w);
  }
  out.folded = foldDigits(out.text);
  return out;
}

}  // namespace lectern::reader
