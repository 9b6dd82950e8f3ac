#pragma once
#include <vector>

#include "reader/detect/ctpn_decode.h"

namespace cv {
class Mat;
}

namespace lectern::reader {

/// Where white space parts a line, in line heights: `words` times the page's usual space between words, within
/// [least, most]; `most` on pages with too few words to tell.
struct GapOptions {
  double words = 3.0;
  double least = 0.9;
  double most = 1.2;
  double doubt = 0;  // line heights by which a gap counts as wider for each unit of log odds that it is no text
};

/// Cuts lines where much white space stands between inks. Columns of 16 px blur such gaps away, the page's pixels show
/// them. `grey` is 8-bit in the lines' own coordinates plus (offset, offset). Lines without clear contrast stay whole.
std::vector<FoundLine> cutAtGaps(const cv::Mat& grey, const std::vector<FoundLine>& lines, const GapOptions& options,
                                 int offset);

}  // namespace lectern::reader
