#include "reader/detect/db.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "model/files.h"
#include "model/session.h"

namespace lectern::reader {

namespace {

constexpr int kMaxRegions = 3000;
constexpr int kStride = 32;  // the network halves its input five times

struct InputSize {
  int width;
  int height;
};

/// Text is found best at the height it had in the network's training; pixels beyond that only cost time.
InputSize inputSize(const Image& page, double line, const DbOptions& options) {
  double scale = line > 0 ? options.text_height / line : 1;
  const double pixels = static_cast<double>(page.width) * page.height;
  scale = std::min({scale, options.max_enlargement, std::sqrt(options.max_megapixels * 1e6 / pixels)});
  scale = std::max(scale, 1 / options.max_reduction);
  const auto rounded = [&](int side) {
    return std::max(kStride, static_cast<int>(std::lround(side * scale / kStride)) * kStride);
  };
  return {rounded(page.width), rounded(page.height)};
}

float meanInside(const cv::Mat& map, const std::vector<cv::Point>& contour) {
  const cv::Rect bounds = cv::boundingRect(contour) & cv::Rect(0, 0, map.cols, map.rows);
  cv::Mat mask = cv::Mat::zeros(bounds.size(), CV_8U);
  std::vector<std::vector<cv::Point>> moved(1);
  for (const auto& p : contour) moved[0].push_back(p - bounds.tl());
  cv::fillPoly(mask, moved, cv::Scalar(1));
  return static_cast<float>(cv::mean(map(bounds), mask)[0]);
}

/// Corners in the text's own order: the rectangle's longer side is taken as the direction of reading, left to right.
Quad orderedQuad(const cv::RotatedRect& rect) {
  cv::Point2f p[4];
  rect.points(p);
  // Sort by x: the two left ones and the two right ones, each top before bottom.
  std::sort(p, p + 4, [](const auto& a, const auto& b) { return a.x < b.x; });
  if (p[0].y > p[1].y) std::swap(p[0], p[1]);
  if (p[2].y > p[3].y) std::swap(p[2], p[3]);
  return {Point{p[0].x, p[0].y}, Point{p[2].x, p[2].y}, Point{p[3].x, p[3].y}, Point{p[1].x, p[1].y}};
}

/// The network shrinks text by a share of its area; growing a rectangle by area·ratio/perimeter on each side undoes
/// it.
cv::RotatedRect unclipped(cv::RotatedRect rect, float ratio) {
  const float distance = rect.size.area() * ratio / (2 * (rect.size.width + rect.size.height));
  rect.size.width += 2 * distance;
  rect.size.height += 2 * distance;
  return rect;
}

}  // namespace

void sortRegions(std::vector<TextRegion>& regions) {
  std::sort(regions.begin(), regions.end(), [](const TextRegion& a, const TextRegion& b) {
    return std::tuple(a.box.y0, a.box.x0, a.box.y1, a.box.x1) < std::tuple(b.box.y0, b.box.x0, b.box.y1, b.box.x1);
  });
}

std::vector<TextRegion> regionsOfMap(const float* map, int width, int height, double scale_x, double scale_y,
                                     const DbOptions& options) {
  const cv::Mat probability(height, width, CV_32F, const_cast<float*>(map));
  cv::Mat binary = probability > options.pixel_threshold;
  std::vector<std::vector<cv::Point>> contours;
  cv::findContours(binary, contours, cv::RETR_LIST, cv::CHAIN_APPROX_SIMPLE);
  std::vector<TextRegion> regions;
  for (const auto& contour : contours) {
    if (regions.size() >= kMaxRegions) break;
    const cv::RotatedRect rect = cv::minAreaRect(contour);
    if (std::min(rect.size.width, rect.size.height) < 2) continue;
    const float score = meanInside(probability, contour);
    if (score < options.box_threshold) continue;
    const cv::RotatedRect grown = unclipped(rect, options.unclip_ratio);
    if (std::min(grown.size.width, grown.size.height) < 4) continue;
    TextRegion region;
    region.score = score;
    region.quad = orderedQuad(grown);
    for (auto& p : region.quad) {
      p.x = static_cast<float>(std::clamp(p.x * scale_x, 0.0, width * scale_x));
      p.y = static_cast<float>(std::clamp(p.y * scale_y, 0.0, height * scale_y));
    }
    region.box = boundsOf(region.quad);
    if (!region.box.empty()) regions.push_back(region);
  }
  sortRegions(regions);
  return regions;
}

DbDetector::DbDetector(DbOptions options, std::unique_ptr<model::Session> session, ModelUse use)
    : options_(std::move(options)), session_(std::move(session)), use_(std::move(use)) {}
DbDetector::~DbDetector() = default;

Result<ModelUse> DbDetector::modelUse(const DbOptions& options) {
  TRY(const auto file, model::findModel(options.model));
  TRY(std::string digest, model::modelSha256(file.path));
  return ModelUse{"detector", file.name, std::move(digest)};
}

Result<std::unique_ptr<DbDetector>> DbDetector::create(const DbOptions& options) {
  TRY(auto use, modelUse(options));
  TRY(const auto file, model::findModel(options.model));
  TRY(auto session, model::Session::load(file.path, {}));
  return std::unique_ptr<DbDetector>(new DbDetector(options, std::move(session), std::move(use)));
}

Result<std::vector<TextRegion>> DbDetector::detect(const Image& page, const TextScale& text) const {
  if (page.width < 4 || page.height < 4) return std::vector<TextRegion>();
  const InputSize size = inputSize(page, text.line_height, options_);
  const cv::Mat grey(page.height, page.width, CV_8U, const_cast<uint8_t*>(page.pixels.data()));
  cv::Mat scaled;
  const bool smaller = size.width < page.width;
  cv::resize(grey, scaled, cv::Size(size.width, size.height), 0, 0, smaller ? cv::INTER_AREA : cv::INTER_LINEAR);
  // Three equal channels, each with the mean and deviation that the network was trained with (BGR order).
  static constexpr float kMean[3] = {0.485f, 0.456f, 0.406f};
  static constexpr float kDeviation[3] = {0.229f, 0.224f, 0.225f};
  const size_t plane = static_cast<size_t>(size.width) * static_cast<size_t>(size.height);
  std::vector<float> input(plane * 3);
  for (int c = 0; c < 3; ++c) {
    cv::Mat channel(size.height, size.width, CV_32F, input.data() + plane * static_cast<size_t>(c));
    scaled.convertTo(channel, CV_32F, 1 / (255.0 * kDeviation[c]), -kMean[c] / kDeviation[c]);
  }
  const std::vector<int64_t> shape = {1, 3, size.height, size.width};
  TRY(const model::TensorView map, session_->runInPlace(input, shape));
  if (map.shape.size() != 4 || map.shape[2] != size.height || map.shape[3] != size.width) {
    return fail(Code::kCorrupt, "the detection model gives a map of another size than its input");
  }
  return regionsOfMap(map.data.data(), size.width, size.height, static_cast<double>(page.width) / size.width,
                      static_cast<double>(page.height) / size.height, options_);
}

}  // namespace lectern::reader
