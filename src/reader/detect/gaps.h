#pragma once
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "reader/detect/ctpn_decode.h"
#include "reader/detect/row_gaps.h"

namespace cv {
class Mat;
}

namespace lectern::reader {

/// The inks of lines and the white space between them, in the lines' own coordinates.
struct Inks {
  std::vector<Piece> pieces;  // a line without clear contrast is one piece
  std::vector<RowGap> gaps;
};

/// For each gap the probability that it parts two lines.
using GapJudge = std::function<Result<std::vector<float>>(std::span<const RowGap>)>;

/// Columns of a network blur white space away, the page's pixels show it. `grey` is 8-bit in the lines' coordinates plus
/// (offset, offset).
Inks inksOf(const cv::Mat& grey, const std::vector<FoundLine>& lines, int offset);

/// Lines cut, and joined to what stands beside them, where the judge says so.
Result<std::vector<FoundLine>> cutAtGaps(const std::vector<FoundLine>& lines, const Inks& inks, const GapJudge& judge);

}  // namespace lectern::reader
