#include "reader/detect/gaps.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/core.hpp>

namespace lectern::reader {

namespace {

constexpr double kBand = 0.12;      // of the height is left out above and below: neighbours reach in there
constexpr int kMinContrast = 30;    // grey levels between ground and ink
constexpr double kInkShare = 0.45;  // of the contrast makes a pixel ink
constexpr double kMargin = 0.1;     // around the ink of a part, in line heights
constexpr double kSliver = 0.12;    // narrower parts are rules or specks
constexpr double kLetterGap = 0.25;  // in line heights: narrower gaps stand inside words
constexpr double kColumnGap = 2.0;   // wider ones stand between columns
constexpr size_t kGapsToJudge = 8;
constexpr double kMostOdds = 5;  // as log odds: a network is never surer than this

/// The line's pixels as a level strip: column i is x0 + i, rows follow the slope.
struct Strip {
  std::vector<std::vector<uint8_t>> columns;
  std::array<int, 256> counts{};
  int pixels = 0;
  int x0 = 0;
};

Strip stripOf(const cv::Mat& grey, const FoundLine& line, int offset) {
  Strip strip;
  const auto& q = line.quad;
  strip.x0 = std::clamp(static_cast<int>(std::floor(q[0].x)) + offset, 0, grey.cols);
  const int x1 = std::clamp(static_cast<int>(std::ceil(q[1].x)) + offset, strip.x0, grey.cols);
  const double slope = q[1].x > q[0].x ? (q[1].y - q[0].y) / (q[1].x - q[0].x) : 0;
  for (int x = strip.x0; x < x1; ++x) {
    const double top = q[0].y + offset + slope * (x - offset - q[0].x);
    const int y0 = std::clamp(static_cast<int>(std::lround(top + kBand * line.height)), 0, grey.rows);
    const int y1 = std::clamp(static_cast<int>(std::lround(top + (1 - kBand) * line.height)), y0, grey.rows);
    auto& column = strip.columns.emplace_back();
    for (int y = y0; y < y1; ++y) {
      column.push_back(grey.at<uint8_t>(y, x));
      ++strip.counts[column.back()];
    }
    strip.pixels += y1 - y0;
  }
  return strip;
}

int valueAt(const Strip& strip, double share) {
  int sum = 0;
  for (int v = 0; v < 256; ++v) {
    sum += strip.counts[static_cast<size_t>(v)];
    if (sum > share * strip.pixels) return v;
  }
  return 255;
}

/// Which columns hold ink; empty when ground and ink cannot be told apart.
std::vector<bool> inkOf(const Strip& strip) {
  const int low = valueAt(strip, 0.02);
  const int high = valueAt(strip, 0.98);
  // Ink covers less than half of a line, so the middle value is the ground's, whatever the polarity.
  const int ground = valueAt(strip, 0.6);
  const bool light_ink = high - ground > ground - low;
  const int contrast = light_ink ? high - ground : ground - low;
  if (contrast < kMinContrast) return {};
  const double limit = kInkShare * contrast;
  std::vector<bool> ink;
  for (const auto& column : strip.columns) {
    ink.push_back(std::any_of(column.begin(), column.end(),
                              [&](uint8_t v) { return (light_ink ? v - ground : ground - v) > limit; }));
  }
  return ink;
}

FoundLine part(const FoundLine& line, double x0, double x1) {
  const auto& q = line.quad;
  FoundLine out = line;
  const double width = std::max(1.0, static_cast<double>(q[1].x) - q[0].x);
  const auto between = [&](const Point& a, const Point& b, double x) {
    return Point{static_cast<float>(x), static_cast<float>(a.y + (b.y - a.y) * (x - q[0].x) / width)};
  };
  out.quad = {between(q[0], q[1], x0), between(q[0], q[1], x1), between(q[3], q[2], x1), between(q[3], q[2], x0)};
  return out;
}

struct Run {
  int from;
  int to;
};

std::vector<Run> runsOf(const std::vector<bool>& ink) {
  std::vector<Run> runs;
  for (int i = 0; i < static_cast<int>(ink.size()); ++i) {
    if (!ink[static_cast<size_t>(i)]) continue;
    if (!runs.empty() && runs.back().to == i) {
      runs.back().to = i + 1;
    } else {
      runs.push_back({i, i + 1});
    }
  }
  return runs;
}

/// Log odds that the network sees no text between two pixel columns, at the column where it is least sure of text.
double oddsOfGap(const FoundLine& line, double from, double to) {
  if (line.columns.empty()) return 0;
  const int last = static_cast<int>(line.columns.size()) - 1;
  const auto index = [&](double x) {
    return std::clamp(static_cast<int>(std::floor(x / line.column_width)) - line.first_column, 0, last);
  };
  float least = 1;
  for (int c = index(from); c <= index(to); ++c) least = std::min(least, line.columns[static_cast<size_t>(c)]);
  return std::clamp(std::log((1.0 - least) / std::max(1e-6, static_cast<double>(least))), -kMostOdds, kMostOdds);
}

/// Joins runs with little space between them, then drops slivers. `width` says how wide a gap between two counts.
template <typename Width>
std::vector<Run> joined(const std::vector<Run>& runs, double limit, double sliver, const Width& width) {
  std::vector<Run> parts;
  for (const auto& r : runs) {
    if (parts.empty() || width(parts.back(), r) > limit) {
      parts.push_back(r);
    } else {
      parts.back().to = r.to;
    }
  }
  std::erase_if(parts, [&](const Run& r) { return r.to - r.from < sliver; });
  return parts;
}

/// The page's usual white space between words, in line heights; 0 when there is too little text to tell.
double usualWordGap(const std::vector<FoundLine>& lines, const std::vector<std::vector<Run>>& runs) {
  std::vector<double> gaps;
  for (size_t i = 0; i < lines.size(); ++i) {
    for (size_t j = 1; j < runs[i].size(); ++j) {
      const double gap = (runs[i][j].from - runs[i][j - 1].to) / static_cast<double>(lines[i].height);
      if (gap > kLetterGap && gap < kColumnGap) gaps.push_back(gap);
    }
  }
  if (gaps.size() < kGapsToJudge) return 0;
  const auto middle = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2);
  std::nth_element(gaps.begin(), middle, gaps.end());
  return *middle;
}

}  // namespace

std::vector<FoundLine> cutAtGaps(const cv::Mat& grey, const std::vector<FoundLine>& lines, const GapOptions& options,
                                 int offset) {
  std::vector<std::vector<Run>> runs;
  std::vector<int> starts;
  for (const auto& line : lines) {
    const Strip strip = stripOf(grey, line, offset);
    starts.push_back(strip.x0 - offset);
    runs.push_back(runsOf(inkOf(strip)));
  }
  const double usual = usualWordGap(lines, runs);
  const double gap = usual > 0 ? std::clamp(options.words * usual, options.least, options.most) : options.most;
  std::vector<FoundLine> out;
  for (size_t i = 0; i < lines.size(); ++i) {
    const FoundLine& line = lines[i];
    const auto width = [&](const Run& a, const Run& b) {
      const double odds = options.doubt == 0 ? 0 : oddsOfGap(line, starts[i] + a.to, starts[i] + b.from);
      return (b.from - a.to) / static_cast<double>(line.height) + options.doubt * odds;
    };
    const auto parts = joined(runs[i], gap, kSliver * line.height, width);
    if (parts.size() < 2) {
      out.push_back(line);
      continue;
    }
    const double margin = kMargin * line.height;
    for (size_t k = 0; k < parts.size(); ++k) {
      const double left = starts[i] + parts[k].from - margin;
      const double right = starts[i] + parts[k].to + margin;
      // The outer ends are the network's own.
      out.push_back(part(line, k == 0 ? std::min<double>(line.quad[0].x, left) : left,
                         k + 1 == parts.size() ? std::max<double>(line.quad[1].x, right) : right));
    }
  }
  return out;
}

}  // namespace lectern::reader
