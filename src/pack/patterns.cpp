#include "pack/patterns.h"

#include <vector>

namespace lectern::pack {

bool matches(std::string_view pattern, std::string_view path) {
  // reach[i]: the pattern so far can end before path[i].
  std::vector<char> reach(path.size() + 1, 0), next(path.size() + 1, 0);
  reach[0] = 1;
  for (size_t p = 0; p < pattern.size(); ++p) {
    next.assign(path.size() + 1, 0);
    const bool deep = pattern.substr(p, 2) == "**";
    if (pattern[p] == '*') {
      for (size_t i = 0; i <= path.size(); ++i) {
        next[i] = reach[i] != 0 || (i > 0 && next[i - 1] != 0 && (deep || path[i - 1] != '/'));
      }
      if (deep) ++p;
      // "**/" also matches no folder at all.
      if (deep && pattern.substr(p + 1, 1) == "/") {
        std::vector<char> after(path.size() + 1, 0);
        for (size_t i = 0; i <= path.size(); ++i) after[i] = reach[i] != 0 || (i > 0 && next[i - 1] != 0 && path[i - 1] == '/');
        next = after;
        ++p;
      }
    } else {
      for (size_t i = 0; i < path.size(); ++i) {
        next[i + 1] = reach[i] != 0 && (pattern[p] == path[i] || (pattern[p] == '?' && path[i] != '/'));
      }
    }
    reach.swap(next);
  }
  return reach[path.size()] != 0;
}

}  // namespace lectern::pack
