#include <algorithm>
#include <numeric>

#include "reader/layout/layout.h"

namespace lectern::reader {

namespace {

struct Cut {
  int at = 0;      // first index (in the sorted order) of the second part
  int width = -1;  // of the white space; negative: no cut
};

using Indexes = std::vector<int>;

/// The widest white gap between consecutive intervals of the boxes along one axis; sorts `items` along it.
template <typename Low, typename High>
Cut widestGap(Indexes& items, Low low, High high) {
  std::stable_sort(items.begin(), items.end(), [&](int a, int b) { return low(a) < low(b); });
  Cut best;
  int reach = high(items[0]);
  for (size_t i = 1; i < items.size(); ++i) {
    const int gap = low(items[i]) - reach;
    if (gap > best.width) best = {static_cast<int>(i), gap};
    reach = std::max(reach, high(items[i]));
  }
  return best;
}

void order(const std::vector<Box>& boxes, Indexes items, int depth, Indexes& out) {
  constexpr int kMaxDepth = 64;
  const auto box = [&](int i) -> const Box& { return boxes[static_cast<size_t>(i)]; };
  if (items.size() <= 1) {
    out.insert(out.end(), items.begin(), items.end());
    return;
  }
  Indexes by_x = items, by_y = items;
  const Cut vertical = widestGap(
      by_x, [&](int i) { return box(i).x0; }, [&](int i) { return box(i).x1; });
  const Cut horizontal = widestGap(
      by_y, [&](int i) { return box(i).y0; }, [&](int i) { return box(i).y1; });
  if (depth >= kMaxDepth || (vertical.width <= 0 && horizontal.width <= 0)) {
    std::stable_sort(items.begin(), items.end(),
                     [&](int a, int b) { return std::pair(box(a).y0, box(a).x0) < std::pair(box(b).y0, box(b).x0); });
    out.insert(out.end(), items.begin(), items.end());
    return;
  }
  // Rows come first unless the river between columns is clearly the wider white space.
  const bool columns = vertical.width > 0 && vertical.width > 1.5 * horizontal.width;
  const Indexes& sorted = columns ? by_x : by_y;
  const Cut& cut = columns ? vertical : horizontal;
  order(boxes, Indexes(sorted.begin(), sorted.begin() + cut.at), depth + 1, out);
  order(boxes, Indexes(sorted.begin() + cut.at, sorted.end()), depth + 1, out);
}

}  // namespace

std::vector<int> readingOrder(const std::vector<Box>& boxes) {
  Indexes all(boxes.size());
  std::iota(all.begin(), all.end(), 0);
  Indexes out;
  if (!all.empty()) order(boxes, all, 0, out);
  return out;
}

}  // namespace lectern::reader
