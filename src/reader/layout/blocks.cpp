#include <algorithm>
#include <cmath>
#include <numeric>

#include "reader/layout/layout.h"

namespace lectern::reader {

namespace {

constexpr double kMaxGapLines = 1.3;      // white space below a line, in heights of the smaller line
constexpr double kMinHeightRatio = 0.65;  // of two lines of one block
constexpr double kEdgeTolerance = 0.9;    // in line heights, for a shared left edge, centre or right edge

bool sameBlock(const Box& above, const Box& below) {
  const double small = std::min(above.height(), below.height());
  const double large = std::max(above.height(), below.height());
  if (small < kMinHeightRatio * large) return false;
  const double gap = below.y0 - above.y1;
  if (gap > kMaxGapLines * small || gap < -0.6 * small) return false;
  if (horizontalOverlap(above, below) <= 0) return false;
  const double tolerance = kEdgeTolerance * large;
  return std::abs(above.x0 - below.x0) <= tolerance || std::abs(above.centerX() - below.centerX()) <= tolerance ||
         std::abs(above.x1 - below.x1) <= tolerance;
}

int rootOf(std::vector<int>& parent, int i) {
  while (parent[static_cast<size_t>(i)] != i) {
    parent[static_cast<size_t>(i)] = parent[static_cast<size_t>(parent[static_cast<size_t>(i)])];
    i = parent[static_cast<size_t>(i)];
  }
  return i;
}

}  // namespace

std::vector<std::vector<int>> groupLines(const std::vector<Line>& lines) {
  std::vector<int> order(lines.size());
  std::iota(order.begin(), order.end(), 0);
  const auto box = [&](int i) -> const Box& { return lines[static_cast<size_t>(i)].box; };
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return std::pair(box(a).y0, box(a).x0) < std::pair(box(b).y0, box(b).x0); });
  std::vector<int> parent(lines.size());
  std::iota(parent.begin(), parent.end(), 0);
  for (size_t a = 0; a < order.size(); ++a) {
    for (size_t b = a + 1; b < order.size(); ++b) {
      const double reach = (1 + kMaxGapLines) * box(order[a]).height();
      if (box(order[b]).y0 > box(order[a]).y1 + reach) break;
      if (sameBlock(box(order[a]), box(order[b]))) {
        parent[static_cast<size_t>(rootOf(parent, order[b]))] = rootOf(parent, order[a]);
      }
    }
  }
  std::vector<std::vector<int>> groups;
  std::vector<int> group_of(lines.size(), -1);
  for (const int i : order) {
    int& g = group_of[static_cast<size_t>(rootOf(parent, i))];
    if (g < 0) {
      g = static_cast<int>(groups.size());
      groups.emplace_back();
    }
    groups[static_cast<size_t>(g)].push_back(i);
  }
  return groups;
}

}  // namespace lectern::reader
