#include "reader/upright.h"

#include <algorithm>
#include <cmath>

#include "reader/detect/detector.h"

namespace lectern::reader {

namespace {

constexpr size_t kFirstLook = 3;  // lines that are enough when they are read with confidence
constexpr size_t kSample = 5;
// Of a line: short ones cost little, shorter ones say little.
constexpr double kBestLength = 6;  // heights
constexpr double kMinLength = 2.5;
// An upright page's sample is read with more than this; upside down it is not.
constexpr double kSure = 0.88;
constexpr double kBetter = 0.05;  // by which the other way must be surer

double lengthOf(const TextRegion& r) {
  const double along = std::hypot(r.quad[1].x - r.quad[0].x, r.quad[1].y - r.quad[0].y);
  return along / std::max(1.0, std::hypot(double{r.quad[3].x} - r.quad[0].x, double{r.quad[3].y} - r.quad[0].y));
}

std::vector<TextRegion> sampleOf(std::span<const TextRegion> regions) {
  std::vector<TextRegion> sample;
  for (const auto& r : regions) {
    if (lengthOf(r) >= kMinLength) sample.push_back(r);
  }
  const auto off = [](const TextRegion& r) { return std::abs(std::log(lengthOf(r) / kBestLength)); };
  std::stable_sort(sample.begin(), sample.end(),
                   [&](const TextRegion& a, const TextRegion& b) { return off(a) < off(b); });
  if (sample.size() > kSample) sample.resize(kSample);
  return sample;
}

}  // namespace

Result<bool> standsOnHead(const Recognizer& recognizer, const Image& page, std::span<const TextRegion> regions) {
  std::vector<TextRegion> sample = sampleOf(regions);
  if (sample.empty()) return false;
  const std::span<const TextRegion> first(sample.data(), std::min(kFirstLook, sample.size()));
  TRY(const double glance, recognizer.confidence(page, first));
  if (glance >= kSure) return false;
  TRY(const double upright, recognizer.confidence(page, sample));
  for (auto& r : sample) r.quad = {r.quad[2], r.quad[3], r.quad[0], r.quad[1]};
  TRY(const double turned, recognizer.confidence(page, sample));
  return turned > upright + kBetter;
}

bool mostlyUpended(std::span<const TextRegion> regions) {
  double down = 0, across = 0;
  for (const auto& r : regions) {
    const double length = lengthOf(r);
    if (length >= kMinLength) across += r.box.width();
    if (length <= 1 / kMinLength) down += r.box.height();
  }
  return down > 2 * across;
}

std::vector<TextRegion> turnedRegions(std::span<const TextRegion> regions, int width, int height) {
  std::vector<TextRegion> out;
  for (TextRegion r : regions) {
    r.box = {width - r.box.x1, height - r.box.y1, width - r.box.x0, height - r.box.y0};
    r.quad = {r.quad[2], r.quad[3], r.quad[0], r.quad[1]};
    for (auto& p : r.quad) p = {static_cast<float>(width) - p.x, static_cast<float>(height) - p.y};
    out.push_back(r);
  }
  sortRegions(out);
  return out;
}

}  // namespace lectern::reader
