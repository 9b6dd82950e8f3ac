#pragma once
// Pages are read upright, straight and at a bounded size; what is told of them is in pixels of the upright source.

#include <functional>
#include <vector>

#include "reader/page/page.h"

namespace lectern::reader {

/// All boxes and quads of a page times `scale`, its size too.
void scalePage(Page& page, double scale);

/// From the straightened picture (page.width × page.height) to the upright source of width × height, which lies turned
/// clockwise by `degrees` about their common centre; boxes become the upright hulls of tilted ones. Sets skew_degrees.
void tiltPage(Page& page, double degrees, int width, int height);

/// While it lives, the pages of a document stand straight: the boxes that tiltPage gave are taken back, so that rows
/// and columns can be seen. Its end puts back exactly what was there.
class StraightFrame {
 public:
  explicit StraightFrame(Document& document);
  ~StraightFrame();
  StraightFrame(const StraightFrame&) = delete;

 private:
  Document& document_;
  std::vector<std::vector<Box>> kept_;  // a page each
};

}  // namespace lectern::reader
