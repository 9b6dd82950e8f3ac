#include "reader/recognise/crop.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace lectern::reader {

namespace {

// Grey levels between ink and ground below which a crop is blank paper.
constexpr double kMinContrast = 24;

double length(const Point& a, const Point& b) { return std::hypot(b.x - a.x, b.y - a.y); }

double angleDegrees(const Point& a, const Point& b) { return std::atan2(b.y - a.y, b.x - a.x) * 180 / CV_PI; }

/// Text is dark on light when the border of its crop is lighter than its middle grey.
bool isInverted(const cv::Mat& crop) {
  if (crop.rows < 4 || crop.cols < 4) return false;
  double low = 0, high = 0;
  cv::minMaxLoc(crop, &low, &high);
  if (high - low < 40) return false;
  const double border = (cv::mean(crop.row(0))[0] + cv::mean(crop.row(crop.rows - 1))[0] + cv::mean(crop.col(0))[0] +
                         cv::mean(crop.col(crop.cols - 1))[0]) /
                        4;
  return border < (low + high) / 2 - 0.1 * (high - low) && cv::mean(crop)[0] < (low + high) / 2;
}

}  // namespace

Crop cropRegion(const Image& page, const TextRegion& region, const CropOptions& options) {
  Crop crop;
  if (intersect(region.box, Box{0, 0, page.width, page.height}).empty()) return crop;
  Quad q = region.quad;
  const double angle = angleDegrees(q[0], q[1]);
  if (std::abs(angle) < options.min_skew_degrees) q = quadOf(region.box);
  // A tall narrow region holds text that was written upwards: turn it clockwise.
  if (length(q[0], q[3]) >= 1.8 * length(q[0], q[1])) {
    q = {q[1], q[2], q[3], q[0]};
    crop.rotated = true;
  }
  const double trim = options.shrink * length(q[0], q[3]);
  const double width = length(q[0], q[1]) - 2 * trim, height = length(q[0], q[3]) - 2 * trim;
  if (width < 2 || height < 2) return crop;
  crop.scale = options.height / height;
  const int out_width =
      std::clamp(static_cast<int>(std::lround(width * crop.scale * options.stretch)), 1, options.max_width);
  const double scale_x = out_width / width;
  // Unit vectors along and across the text.
  const cv::Point2d along((q[1].x - q[0].x) / length(q[0], q[1]), (q[1].y - q[0].y) / length(q[0], q[1]));
  const cv::Point2d across((q[3].x - q[0].x) / length(q[0], q[3]), (q[3].y - q[0].y) / length(q[0], q[3]));
  const cv::Point2d origin(q[0].x + trim * (along.x + across.x), q[0].y + trim * (along.y + across.y));
  crop.to_page = (cv::Mat_<double>(2, 3) << along.x / scale_x, across.x / crop.scale, origin.x, along.y / scale_x,
                  across.y / crop.scale, origin.y);
  const cv::Mat grey(page.height, page.width, CV_8U, const_cast<uint8_t*>(page.pixels.data()));
  const bool straight = !crop.rotated && std::abs(angle) < options.min_skew_degrees;
  const cv::Rect inside =
      cv::Rect(cv::Point(static_cast<int>(std::floor(origin.x)), static_cast<int>(std::floor(origin.y))),
               cv::Size(static_cast<int>(std::ceil(width)), static_cast<int>(std::ceil(height)))) &
      cv::Rect(0, 0, page.width, page.height);
  if (straight && !inside.empty()) {
    const int method = crop.scale < 1 ? cv::INTER_AREA : cv::INTER_CUBIC;
    cv::resize(grey(inside), crop.pixels, cv::Size(out_width, options.height), 0, 0, method);
  } else {
    cv::warpAffine(grey, crop.pixels, crop.to_page, cv::Size(out_width, options.height),
                   cv::INTER_LINEAR | cv::WARP_INVERSE_MAP, cv::BORDER_REPLICATE);
  }
  double low = 0, high = 0;
  cv::minMaxLoc(crop.pixels, &low, &high);
  if (high - low < kMinContrast) {
    crop.pixels.release();
    return crop;
  }
  if (isInverted(crop.pixels)) crop.pixels = 255 - crop.pixels;
  if (options.border > 0) {
    // The ground's own colour, so that the border is no edge.
    cv::Mat sorted;
    cv::sort(crop.pixels.reshape(1, 1), sorted, cv::SORT_ASCENDING);
    const double ground = sorted.at<uint8_t>(0, sorted.cols * 4 / 5);
    cv::copyMakeBorder(crop.pixels, crop.pixels, options.border, options.border, options.border, options.border,
                       cv::BORDER_CONSTANT, cv::Scalar(ground));
  }
  return crop;
}

Box toPage(const Crop& crop, const cv::Rect2d& box, int border, const Box& region) {
  double x0 = 1e9, y0 = 1e9, x1 = -1e9, y1 = -1e9;
  const cv::Mat& m = crop.to_page;
  for (const double cx : {box.x - border, box.x + box.width - border}) {
    for (const double cy : {box.y - border, box.y + box.height - border}) {
      const double x = m.at<double>(0, 0) * cx + m.at<double>(0, 1) * cy + m.at<double>(0, 2);
      const double y = m.at<double>(1, 0) * cx + m.at<double>(1, 1) * cy + m.at<double>(1, 2);
      x0 = std::min(x0, x);
      y0 = std::min(y0, y);
      x1 = std::max(x1, x);
      y1 = std::max(y1, y);
    }
  }
  Box mapped{static_cast<int>(std::floor(x0)), static_cast<int>(std::floor(y0)), static_cast<int>(std::ceil(x1)),
             static_cast<int>(std::ceil(y1))};
  const Box clamped = intersect(mapped, region);
  return clamped.empty() ? region : clamped;
}

}  // namespace lectern::reader
