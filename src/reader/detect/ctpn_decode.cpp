#include "reader/detect/ctpn_decode.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

namespace lectern::reader {

namespace {

constexpr float kColumnIou = 0.3f;     // proposals of one column that overlap more are one text
constexpr double kLineIou = 0.3;       // the same for whole lines
constexpr size_t kMaxProposals = 200'000;
constexpr size_t kSlopeColumns = 5;    // shorter chains say nothing about the slope
constexpr double kSlopeRise = 0.2;     // in line heights; below it a line counts as level

struct Proposal {
  int column;
  float top;
  float bottom;
  float score;
  float side;
  float height() const { return bottom - top; }
  float middle() const { return (top + bottom) / 2; }
};

float shared(const Proposal& a, const Proposal& b) {
  return std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
}

using Columns = std::vector<std::vector<Proposal>>;  // kept proposals by column, best score first

/// Keeps the best of those that lie on each other.
std::vector<Proposal> suppressed(std::vector<Proposal> all) {
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  std::vector<Proposal> kept;
  for (const auto& p : all) {
    const bool free = std::none_of(kept.begin(), kept.end(), [&](const Proposal& k) {
      const float s = shared(p, k);
      return s > 0 && s / (std::max(p.bottom, k.bottom) - std::min(p.top, k.top)) > kColumnIou;
    });
    if (free) kept.push_back(p);
  }
  return kept;
}

Columns proposalsOf(const AnchorMap& map, float score_min) {
  // Compared as a logit: most anchors are background and need no exponential.
  const float logit_min = std::log(score_min / (1 - score_min));
  const size_t k = map.anchors();
  Columns columns(static_cast<size_t>(map.columns));
  size_t count = 0;
  for (size_t a = 0; a < k; ++a) {
    const float anchor = map.heights[a];
    for (int r = 0; r < map.rows; ++r) {
      for (int c = 0; c < map.columns; ++c) {
        const float logit = map.at(a, r, c);
        if (!(logit > logit_min) || count >= kMaxProposals) continue;
        const float height = anchor * std::exp(std::clamp(map.at(2 * k + a, r, c), -2.0f, 2.0f));
        const float middle = (static_cast<float>(r) + 0.5f) * static_cast<float>(map.row_stride) +
                             std::clamp(map.at(k + a, r, c), -4.0f, 4.0f) * anchor;
        const float score = 1 / (1 + std::exp(-logit));
        columns[static_cast<size_t>(c)].push_back(
            {c, middle - height / 2, middle + height / 2, score, map.at(3 * k + a, r, c)});
        ++count;
      }
    }
  }
  for (auto& column : columns) column = suppressed(std::move(column));
  return columns;
}

/// Proposals in one list with the links of each to its neighbours; -1 where there is none.
class Chains {
 public:
  Chains(const Columns& columns, int column_width, const CtpnDecodeOptions& options)
      : column_width_(column_width), options_(options) {
    for (const auto& column : columns) {
      first_.push_back(static_cast<int>(all_.size()));
      all_.insert(all_.end(), column.begin(), column.end());
    }
    first_.push_back(static_cast<int>(all_.size()));
    for (int i = 0; i < static_cast<int>(all_.size()); ++i) {
      right_.push_back(neighbour(i, 1));
      left_.push_back(neighbour(i, -1));
    }
  }

  /// Runs of proposals that are each other's neighbours, left to right.
  std::vector<std::vector<Proposal>> runs() const {
    std::vector<std::vector<Proposal>> found;
    for (int i = 0; i < static_cast<int>(all_.size()); ++i) {
      if (before(i) >= 0) continue;
      found.emplace_back();
      for (int j = i; j >= 0; j = after(j)) found.back().push_back(all_[static_cast<size_t>(j)]);
    }
    return found;
  }

 private:
  int after(int i) const {
    const int j = right_[static_cast<size_t>(i)];
    return j >= 0 && left_[static_cast<size_t>(j)] == i ? j : -1;
  }
  int before(int i) const {
    const int j = left_[static_cast<size_t>(i)];
    return j >= 0 && right_[static_cast<size_t>(j)] == i ? j : -1;
  }

  /// The best matching proposal of the nearest column that has one, not further than the gap allows.
  int neighbour(int i, int step) const {
    const Proposal& p = all_[static_cast<size_t>(i)];
    const int empty = static_cast<int>(std::lround(options_.gap * p.height() / column_width_));
    const int columns = static_cast<int>(first_.size()) - 1;
    for (int d = 1; d <= empty + 1; ++d) {
      const int c = p.column + step * d;
      if (c < 0 || c >= columns) return -1;
      int best = -1;
      for (int j = first_[static_cast<size_t>(c)]; j < first_[static_cast<size_t>(c) + 1]; ++j) {
        const Proposal& q = all_[static_cast<size_t>(j)];
        const float low = std::min(p.height(), q.height());
        const float high = std::max(p.height(), q.height());
        if (shared(p, q) < options_.overlap_min * low || low < options_.similarity_min * high) continue;
        if (best < 0 || q.score > all_[static_cast<size_t>(best)].score) best = j;
      }
      if (best >= 0) return best;
    }
    return -1;
  }

  int column_width_;
  const CtpnDecodeOptions& options_;
  std::vector<Proposal> all_;
  std::vector<int> first_;  // index of a column's first proposal; one more at the end
  std::vector<int> left_;
  std::vector<int> right_;
};

/// Least-squares slope of the middles; 0 for a line that is short or nearly level.
double slopeOf(const std::vector<Proposal>& run, int column_width, double height) {
  if (run.size() < kSlopeColumns) return 0;
  double mx = 0, my = 0, xx = 0, xy = 0;
  for (const auto& p : run) {
    mx += p.column;
    my += p.middle();
  }
  mx /= static_cast<double>(run.size());
  my /= static_cast<double>(run.size());
  for (const auto& p : run) {
    xx += (p.column - mx) * (p.column - mx);
    xy += (p.column - mx) * (p.middle() - my);
  }
  const double rise = xy / xx;  // pixels a column
  const double total = std::abs(rise) * static_cast<double>(run.back().column - run.front().column);
  return total < kSlopeRise * height ? 0 : rise / column_width;
}

/// An end is moved by the offset that the network gives, at most a column. Offsets that point to the line's other end
/// are not this end's.
float refinedEnd(const Proposal& p, int column_width, bool left) {
  const float w = static_cast<float>(column_width);
  const float middle = (static_cast<float>(p.column) + 0.5f) * w;
  const bool own = left ? p.side < 0.25f : p.side > -0.25f;
  if (!own || !std::isfinite(p.side)) return middle + (left ? -w / 2 : w / 2);
  return middle + std::clamp(p.side, -1.0f, 1.0f) * w;
}

FoundLine lineOf(const std::vector<Proposal>& run, int column_width) {
  double top = 0, bottom = 0, score = 0, columns = 0;
  for (const auto& p : run) {
    top += p.top;
    bottom += p.bottom;
    score += p.score;
    columns += p.column + 0.5;
  }
  const double n = static_cast<double>(run.size());
  top /= n;
  bottom /= n;
  FoundLine line;
  line.height = static_cast<float>(bottom - top);
  line.score = static_cast<float>(score / n);
  float x0 = refinedEnd(run.front(), column_width, true);
  float x1 = refinedEnd(run.back(), column_width, false);
  if (run.size() == 1) {
    x0 = static_cast<float>(run[0].column * column_width);
    x1 = x0 + static_cast<float>(column_width);
  }
  const double slope = slopeOf(run, column_width, bottom - top);
  const double mx = columns / n * column_width;
  const auto shift = [&](float x) { return slope * (x - mx); };
  line.quad = {Point{x0, static_cast<float>(top + shift(x0))}, Point{x1, static_cast<float>(top + shift(x1))},
               Point{x1, static_cast<float>(bottom + shift(x1))}, Point{x0, static_cast<float>(bottom + shift(x0))}};
  return line;
}

/// The surest anchor of a column in the middle third of a line, as a probability.
float textIn(const AnchorMap& map, int column, double middle, double height) {
  const int low = std::max(0, static_cast<int>(std::floor((middle - height / 6) / map.row_stride)));
  const int high = std::min(map.rows - 1, static_cast<int>(std::floor((middle + height / 6) / map.row_stride)));
  float best = -100;
  for (size_t a = 0; a < map.anchors(); ++a) {
    for (int r = low; r <= high; ++r) best = std::max(best, map.at(a, r, column));
  }
  return 1 / (1 + std::exp(-best));
}

void addColumns(const AnchorMap& map, FoundLine& line) {
  const auto& q = line.quad;
  line.column_width = map.column;
  line.first_column = std::clamp(static_cast<int>(q[0].x) / map.column, 0, map.columns - 1);
  const int last = std::clamp(static_cast<int>(q[1].x) / map.column, line.first_column, map.columns - 1);
  const double slope = q[1].x > q[0].x ? (q[1].y - q[0].y) / (q[1].x - q[0].x) : 0;
  for (int c = line.first_column; c <= last; ++c) {
    const double middle = (q[0].y + q[3].y) / 2 + slope * ((c + 0.5) * map.column - q[0].x);
    line.columns.push_back(textIn(map, c, middle, line.height));
  }
}

}  // namespace

std::vector<FoundLine> linesOfAnchors(const AnchorMap& map, const CtpnDecodeOptions& options) {
  const Chains chains(proposalsOf(map, options.score_min), map.column, options);
  std::vector<FoundLine> lines;
  for (const auto& run : chains.runs()) {
    FoundLine line = lineOf(run, map.column);
    const float needed = run.size() == 1 ? options.single_score_min : options.line_score_min;
    if (line.score >= needed && line.height >= 2) lines.push_back(line);
  }
  std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  std::vector<FoundLine> kept;
  std::vector<Box> boxes;
  for (const auto& line : lines) {
    const Box box = boundsOf(line.quad);
    const bool free =
        std::none_of(boxes.begin(), boxes.end(), [&](const Box& b) { return intersectionOverUnion(b, box) > kLineIou; });
    if (!free) continue;
    kept.push_back(line);
    addColumns(map, kept.back());
    boxes.push_back(box);
  }
  return kept;
}

Result<std::vector<float>> parseAnchorHeights(const std::string& text) {
  std::vector<float> heights;
  const char* at = text.c_str();
  while (*at != '\0' && heights.size() <= 32) {
    char* end = nullptr;
    const float value = std::strtof(at, &end);
    if (end == at || !(value > 0) || value > 10'000) break;
    heights.push_back(value);
    at = *end == ',' ? end + 1 : end;
  }
  if (heights.empty() || heights.size() > 32 || *at != '\0') {
    return fail(Code::kCorrupt, "the detection model does not say its anchor heights");
  }
  return heights;
}

}  // namespace lectern::reader
