#pragma once
#include <string_view>

namespace lectern::reader {

/// English words in lower case, sorted by their bytes, each a line "word" and one digit: how common it is (make_words.py).
extern const std::string_view kEnglishWords;

/// How common a word in lower case is: 1 everyday, 2, 3 ordinary, 9 rare or a name; 0: no English word.
int englishRank(std::string_view word);

}  // namespace lectern::reader
