#pragma once
// Cuts a region out of a page: upright, dark on light, at a wanted height.

#include <opencv2/core.hpp>

#include "reader/page/image.h"
#include "reader/page/page.h"

namespace lectern::reader {

struct Crop {
  cv::Mat pixels;        // 8-bit grey, dark text on light ground
  double scale = 1;      // crop pixels for one page pixel
  bool rotated = false;  // turned a quarter because it stood upright
  cv::Mat to_page;       // 2×3: crop pixels (without border) to page pixels
};

struct CropOptions {
  int height = 48;  // of the crop without border
  int max_width = 4000;
  int border = 0;                 // pixels of ground colour on every side
  double min_skew_degrees = 0.8;  // flatter regions are cut along their box, which blurs nothing
  /// Rows and columns to take away from a region's edges as a share of its height: the detector's boxes are generous.
  double shrink = 0;
  double stretch = 1;  // the crop's width is multiplied by this
};

/// The region's crop; an empty matrix when the region has no area inside the page.
Crop cropRegion(const Image& page, const TextRegion& region, const CropOptions& options);

/// A box of the crop (border included) in page pixels, clamped to the region's box.
Box toPage(const Crop& crop, const cv::Rect2d& box, int border, const Box& region);

}  // namespace lectern::reader
