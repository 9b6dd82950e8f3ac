#include "reader/detect/gaps.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <opencv2/core.hpp>
#include <optional>

namespace lectern::reader {

namespace {

constexpr double kBand = 0.12;      // of the height is left out above and below: neighbours reach in there
constexpr int kMinContrast = 30;    // grey levels between ground and ink
constexpr double kInkShare = 0.45;  // of the contrast makes a pixel ink
constexpr double kMargin = 0.1;     // around the ink of a part, in line heights
constexpr double kSliver = 0.12;    // narrower pieces are rules or specks
constexpr double kLetterGap = 0.2;  // in line heights: narrower gaps stand inside words
constexpr double kColumnGap = 1.0;  // wider ones mostly stand between columns
constexpr size_t kGapsToJudge = 6;
constexpr double kUsualSpace = 0.45;  // between words, in line heights, where a page has too few to tell
constexpr double kMostOdds = 5;       // as log odds: a network is never surer than this
constexpr float kParts = 0.5f;

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

/// A line's ink as pieces, without slivers.
std::vector<Piece> piecesOf(const FoundLine& line, size_t index, const std::vector<Run>& runs, double start) {
  const double h = line.height;
  std::vector<Piece> pieces;
  double word_start = 0;
  for (const auto& run : runs) {
    const double x0 = start + run.from;
    const double x1 = start + run.to;
    const double space = pieces.empty() ? 0 : x0 - pieces.back().x1;
    if (pieces.empty() || space > kCandidateGap * h) {
      if (!pieces.empty() && pieces.back().x1 - pieces.back().x0 < kSliver * h) pieces.pop_back();
      Piece piece;
      piece.line = index;
      piece.height = h;
      piece.middle = (line.quad[0].y + line.quad[2].y) / 2;
      piece.x0 = word_start = x0;
      pieces.push_back(piece);
    } else if (space > kLetterGap * h) {
      ++pieces.back().words;
      word_start = x0;
      pieces.back().widest_space = std::max(pieces.back().widest_space, space);
    }
    Piece& piece = pieces.back();
    piece.x1 = x1;
    piece.last_word = x1 - word_start;
    if (piece.words == 1) piece.first_word = piece.last_word;
  }
  if (!pieces.empty() && pieces.back().x1 - pieces.back().x0 < kSliver * h) pieces.pop_back();
  if (pieces.empty()) {
    const double x0 = line.quad[0].x, x1 = line.quad[1].x;
    pieces.push_back({.line = index, .x0 = x0, .x1 = x1, .middle = (line.quad[0].y + line.quad[2].y) / 2.0, .height = h,
                      .first_word = x1 - x0, .last_word = x1 - x0});
  }
  return pieces;
}

/// The page's usual white space between words, in line heights.
double usualSpace(const std::vector<double>& gaps) {
  std::vector<double> spaces;
  std::copy_if(gaps.begin(), gaps.end(), std::back_inserter(spaces), [](double g) { return g > kLetterGap && g < kColumnGap; });
  if (spaces.size() < kGapsToJudge) return kUsualSpace;
  const auto middle = spaces.begin() + static_cast<std::ptrdiff_t>(spaces.size() / 2);
  std::nth_element(spaces.begin(), middle, spaces.end());
  return *middle;
}

/// One line from two that stand side by side.
FoundLine joined(const FoundLine& a, const FoundLine& b) {
  FoundLine out = a;
  out.quad = {a.quad[0], b.quad[1], b.quad[2], a.quad[3]};
  out.height = (a.height + b.height) / 2;
  out.score = std::max(a.score, b.score);
  return out;
}

/// What a line's pieces from `from` to `to` cover. The line's outer ends are the network's own.
FoundLine stretchOf(const FoundLine& line, const std::vector<Piece>& pieces, size_t from, size_t to) {
  const bool begins = from == 0 || pieces[from - 1].line != pieces[from].line;
  const bool ends = to + 1 == pieces.size() || pieces[to + 1].line != pieces[to].line;
  if (begins && ends) return line;
  const double margin = kMargin * line.height;
  const double left = pieces[from].x0 - margin;
  const double right = pieces[to].x1 + margin;
  return part(line, begins ? std::min<double>(line.quad[0].x, left) : left,
              ends ? std::max<double>(line.quad[1].x, right) : right);
}

}  // namespace

Inks inksOf(const cv::Mat& grey, const std::vector<FoundLine>& lines, int offset) {
  Inks inks;
  std::vector<double> gaps;
  for (size_t i = 0; i < lines.size(); ++i) {
    const Strip strip = stripOf(grey, lines[i], offset);
    const auto runs = runsOf(inkOf(strip));
    for (size_t k = 1; k < runs.size(); ++k) gaps.push_back((runs[k].from - runs[k - 1].to) / double(lines[i].height));
    const auto pieces = piecesOf(lines[i], i, runs, strip.x0 - offset);
    inks.pieces.insert(inks.pieces.end(), pieces.begin(), pieces.end());
  }
  inks.gaps = rowGaps(inks.pieces, usualSpace(gaps));
  for (auto& gap : inks.gaps) {
    const Piece& left = inks.pieces[gap.left];
    const Piece& right = inks.pieces[gap.right];
    // Where the network parted two lines itself it was sure enough.
    gap.features[kOddsFeature] =
        static_cast<float>(left.line == right.line ? oddsOfGap(lines[left.line], left.x1, right.x0) : kMostOdds);
  }
  return inks;
}

Result<std::vector<FoundLine>> cutAtGaps(const std::vector<FoundLine>& lines, const Inks& inks, const GapJudge& judge) {
  TRY(const auto parts, judge(inks.gaps));
  if (parts.size() != inks.gaps.size()) return fail(Code::kCorrupt, "the judge of gaps answers for another number of them");
  const auto& pieces = inks.pieces;
  std::map<size_t, size_t> next;  // pieces that stay together
  std::vector<bool> follows(pieces.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!(parts[i] < kParts)) continue;
    next[inks.gaps[i].left] = inks.gaps[i].right;
    follows[inks.gaps[i].right] = true;
  }
  std::vector<FoundLine> out;
  for (size_t first = 0; first < pieces.size(); ++first) {
    if (follows[first]) continue;
    std::optional<FoundLine> whole;
    // One stretch of the chain for each line that it runs through.
    for (size_t from = first, to = first;; from = to) {
      while (next.contains(to) && pieces[next[to]].line == pieces[to].line) to = next[to];
      const FoundLine stretch = stretchOf(lines[pieces[from].line], pieces, from, to);
      whole = whole ? joined(*whole, stretch) : stretch;
      if (!next.contains(to)) break;
      to = next[to];
    }
    out.push_back(std::move(*whole));
  }
  return out;
}

}  // namespace lectern::reader
