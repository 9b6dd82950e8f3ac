#pragma once
#include <opencv2/core.hpp>

#include "reader/page/image.h"

namespace lectern::reader {

/// A copy of a grey picture (CV_8U); resolution, scale and rotation are those of `like`.
inline Image imageOf(const cv::Mat& mat, const Image& like = {}) {
  Image image;
  image.width = mat.cols;
  image.height = mat.rows;
  image.dpi = like.dpi;
  image.source_scale = like.source_scale;
  image.rotation = like.rotation;
  image.pixels.resize(mat.total());
  mat.copyTo(cv::Mat(mat.rows, mat.cols, CV_8U, image.pixels.data()));
  return image;
}

}  // namespace lectern::reader
