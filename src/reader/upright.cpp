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

/// Indices of the lines to judge by, the best first.
std::vector<size_t> sampleOf(std::span<const TextRegion> regions) {
  std::vector<size_t> sample;
  for (size_t i = 0; i < regions.size(); ++i) {
    if (lengthOf(regions[i]) >= kMinLength) sample.push_back(i);
  }
  const auto off = [&](size_t i) { return std::abs(std::log(lengthOf(regions[i]) / kBestLength)); };
  std::stable_sort(sample.begin(), sample.end(), [&](size_t a, size_t b) { return off(a) < off(b); });
  if (sample.size() > kSample) sample.resize(kSample);
  return sample;
}

/// Reads the lines at some indices into `read`.
Result<void> addTo(KnownLines& read, const Recognizer& recognizer, const Image& page,
                   std::span<const TextRegion> regions, std::span<const size_t> indices) {
  std::vector<TextRegion> some;
  for (const size_t i : indices) some.push_back(regions[i]);
  TRY(auto lines, recognizer.glance(page, some));
  for (size_t k = 0; k < indices.size(); ++k) read[indices[k]] = std::move(lines[k]);
  return {};
}

double meanConfidence(const KnownLines& read) {
  double sum = 0;
  for (const auto& [index, line] : read) sum += line.confidence;
  return sum / static_cast<double>(read.size());
}

}  // namespace

Result<Uprightness> uprightness(const Recognizer& recognizer, const Image& page, std::span<const TextRegion> regions) {
  Uprightness found;
  const std::vector<size_t> sample = sampleOf(regions);
  if (sample.empty()) return found;
  const size_t first = std::min(kFirstLook, sample.size());
  TRY_VOID(addTo(found.read, recognizer, page, regions, std::span(sample).first(first)));
  if (meanConfidence(found.read) >= kSure) return found;
  TRY_VOID(addTo(found.read, recognizer, page, regions, std::span(sample).subspan(first)));
  std::vector<TextRegion> turned(regions.begin(), regions.end());
  for (auto& r : turned) r.quad = {r.quad[2], r.quad[3], r.quad[0], r.quad[1]};
  KnownLines other;
  TRY_VOID(addTo(other, recognizer, page, turned, sample));
  found.on_head = meanConfidence(other) > meanConfidence(found.read) + kBetter;
  if (found.on_head) found.read.clear();
  return found;
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
