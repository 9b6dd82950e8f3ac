#include "reader/spelling/english.h"

#include <algorithm>

namespace lectern::reader {

int englishRank(std::string_view word) {
  // Bisects the text itself: nothing is built when a process starts.
  const std::string_view all = kEnglishWords;
  size_t low = 0, high = all.size();
  while (low < high) {
    size_t start = low + (high - low) / 2;
    while (start > low && all[start - 1] != '\n') --start;
    const size_t end = std::min(all.find('\n', start), all.size());
    const std::string_view here = all.substr(start, end - start - 1);
    if (here == word) return all[end - 1] - '0';
    if (here < word)
      low = end + 1;
    else
      high = start;
  }
  return 0;
}

}  // namespace lectern::reader
