#include "reader/detect/text_height.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace lectern::reader {

namespace {

constexpr double kMaxPixels = 3e6;  // larger pages are measured on a reduced copy
constexpr int kDarkGround = 96;
constexpr double kShare = 0.7;           // of the ink's width has letters that are at most this tall: capitals and digits
constexpr double kLineOfCapitals = 1.2;  // height of a line's box over the height of its capitals
constexpr int kMinHeight = 5;

int percentile(const cv::Mat& grey, double share) {
  std::array<int64_t, 256> counts{};
  for (int y = 0; y < grey.rows; y += 2) {
    const uint8_t* row = grey.ptr(y);
    for (int x = 0; x < grey.cols; x += 2) ++counts[row[x]];
  }
  int64_t total = 0;
  for (const int64_t n : counts) total += n;
  int64_t sum = 0;
  for (int v = 0; v < 256; ++v) {
    sum += counts[static_cast<size_t>(v)];
    if (static_cast<double>(sum) >= share * static_cast<double>(total)) return v;
  }
  return 255;
}

/// Height of the letters in `grey`, dark on light; 0 when there are hardly any.
double letterHeight(const cv::Mat& grey) {
  cv::Mat ink;
  const int window = std::clamp(std::min(grey.cols, grey.rows) / 20, 15, 61) | 1;
  cv::adaptiveThreshold(grey, ink, 255, cv::ADAPTIVE_THRESH_MEAN_C, cv::THRESH_BINARY_INV, window, 18);
  cv::Mat labels, stats, centres;
  const int count = cv::connectedComponentsWithStats(ink, labels, stats, centres, 8, CV_32S);
  std::vector<std::pair<int, double>> heights;  // height, weight
  double total = 0;
  for (int i = 1; i < count; ++i) {
    const int* s = stats.ptr<int>(i);
    const int w = s[cv::CC_STAT_WIDTH];
    const int h = s[cv::CC_STAT_HEIGHT];
    // Specks, rules, frames and pictures are no letters; letters that touch each other are as wide as a word.
    if (h < kMinHeight || h > grey.rows / 6 || w < h / 5 || w > 15 * h) continue;
    if (s[cv::CC_STAT_AREA] < 0.12 * w * h) continue;
    const double weight = std::min(w, 4 * h);
    heights.emplace_back(h, weight);
    total += weight;
  }
  if (heights.size() < 3) return 0;
  std::sort(heights.begin(), heights.end());
  double sum = 0;
  for (const auto& [h, weight] : heights) {
    sum += weight;
    if (sum >= kShare * total) return h;
  }
  return heights.back().first;
}

}  // namespace

TextScale measureText(const Image& page) {
  const cv::Mat whole(page.height, page.width, CV_8U, const_cast<uint8_t*>(page.pixels.data()));
  const double pixels = static_cast<double>(page.width) * page.height;
  const double reduce = std::min(1.0, std::sqrt(kMaxPixels / pixels));
  cv::Mat grey = whole;
  if (reduce < 1) cv::resize(whole, grey, cv::Size(), reduce, reduce, cv::INTER_AREA);
  TextScale scale;
  scale.ground = percentile(grey, 0.8);
  scale.dark_ground = percentile(grey, 0.5) < kDarkGround;
  if (scale.dark_ground) {
    cv::Mat turned;
    cv::subtract(cv::Scalar(255), grey, turned);
    grey = turned;
    scale.ground = percentile(grey, 0.8);
  }
  scale.line_height = letterHeight(grey) * kLineOfCapitals / reduce;
  return scale;
}

}  // namespace lectern::reader
