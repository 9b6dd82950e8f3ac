#pragma once
// White space in the rows of a page, described for the judge that tells where a row is cut (training/gap_judge.py).

#include <array>
#include <cstddef>
#include <vector>

namespace lectern::reader {

inline constexpr double kCandidateGap = 0.5;  // line heights; narrower gaps never cut a line
inline constexpr double kWidestJoin = 2.0;    // wider gaps between two lines never join them
inline constexpr size_t kGapFeatures = 28;
inline constexpr size_t kOddsFeature = 5;     // log odds that the network sees no text in the gap; the caller's to fill

/// A run of ink in which no white space is wider than kCandidateGap line heights. Network pixels.
struct Piece {
  size_t line = 0;  // the detector's line that it lies in
  double x0 = 0;
  double x1 = 0;
  double middle = 0;  // of the line, vertically
  double height = 0;  // of the line
  int words = 1;
  double first_word = 0;  // widths
  double last_word = 0;
  double widest_space = 0;
};

/// The gap between two neighbouring pieces. Its features: describe() in row_gaps.cpp.
struct RowGap {
  size_t left = 0;  // indexes of pieces
  size_t right = 0;
  std::array<float, kGapFeatures> features{};
};

/// The gaps inside lines and those between two lines that stand side by side. Pieces are ordered by line, then from left
/// to right. `usual_space` is the page's space between words in line heights.
std::vector<RowGap> rowGaps(const std::vector<Piece>& pieces, double usual_space);

}  // namespace lectern::reader
