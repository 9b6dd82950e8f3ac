#include "cli/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "reader/image/decode.h"

namespace lectern::cli {

namespace {
constexpr int kStride = 32;

int toStride(double side) { return std::max(kStride, static_cast<int>(std::lround(side / kStride)) * kStride); }

/// The size an image takes: fixed sides as the model says, open ones by the image's aspect.
std::pair<int, int> sizeFor(const reader::Image& image, const model::Port& input, int max_side) {
  const auto fixed_h = static_cast<int>(input.shape[2]), fixed_w = static_cast<int>(input.shape[3]);
  const double aspect = static_cast<double>(image.width) / image.height;
  if (fixed_h > 0 && fixed_w > 0) return {fixed_h, fixed_w};
  if (fixed_h > 0) return {fixed_h, std::min(toStride(fixed_h * aspect), std::max(max_side, kStride))};
  if (fixed_w > 0) return {std::min(toStride(fixed_w / aspect), std::max(max_side, kStride)), fixed_w};
  const double scale = std::min(1.0, static_cast<double>(max_side) / std::max(image.width, image.height));
  return {toStride(image.height * scale), toStride(image.width * scale)};
}

/// Mean of the source pixels under a target pixel, so that small text survives being made smaller.
float sample(const reader::Image& image, double x0, double x1, double y0, double y1) {
  const int left = std::clamp(static_cast<int>(x0), 0, image.width - 1);
  const int top = std::clamp(static_cast<int>(y0), 0, image.height - 1);
  const int right = std::clamp(static_cast<int>(std::ceil(x1)), left + 1, image.width);
  const int bottom = std::clamp(static_cast<int>(std::ceil(y1)), top + 1, image.height);
  int64_t sum = 0;
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) sum += image.row(y)[x];
  }
  return static_cast<float>(sum) / static_cast<float>((right - left) * (bottom - top));
}

struct Normal {
  std::array<float, 3> mean, deviation;
};

Normal normalOf(const std::string& name) {
  if (name == "imagenet") return {{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
  if (name == "half") return {{0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}};
  if (name == "unit") return {{0, 0, 0}, {1, 1, 1}};
  return {{0, 0, 0}, {1 / 255.0f, 1 / 255.0f, 1 / 255.0f}};
}

model::Tensor tensorOf(const reader::Image& image, const model::Port& input, const CalibrationOptions& options) {
  const auto [height, width] = sizeFor(image, input, options.max_side);
  const auto channels = static_cast<size_t>(input.shape[1]);
  const Normal normal = normalOf(options.normalize);
  model::Tensor out;
  out.shape = {1, input.shape[1], height, width};
  const auto plane = static_cast<size_t>(height) * static_cast<size_t>(width);
  out.data.resize(plane * channels);
  const double sx = static_cast<double>(image.width) / width, sy = static_cast<double>(image.height) / height;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const float v = sample(image, x * sx, (x + 1) * sx, y * sy, (y + 1) * sy) / 255;
      const size_t at = static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x);
      for (size_t c = 0; c < channels; ++c) out.data[c * plane + at] = (v - normal.mean[c]) / normal.deviation[c];
    }
  }
  return out;
}
}  // namespace

Result<std::vector<model::Tensor>> loadCalibration(const std::filesystem::path& folder, const model::Port& input,
                                                   const CalibrationOptions& options) {
  if (input.shape.size() != 4 || (input.shape[1] != 1 && input.shape[1] != 3)) {
    return fail(Code::kInvalid, "the model's input " + input.name + " is no picture of one or three channels");
  }
  std::error_code error;
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.is_regular_file()) files.insert(entry.path());
  }
  if (error) return failErrno("open folder " + folder.string(), error.value());
  std::vector<model::Tensor> out;
  for (const auto& file : files) {
    if (out.size() == options.max_images) break;
    auto opened = reader::ImageFile::open(file);
    if (!opened) continue;  // other files may lie beside the images
    auto image = (*opened)->page(1);
    if (!image) return Failure(image.error().with(file.filename().string()));
    out.push_back(tensorOf(*image, input, options));
  }
  if (out.size() < 2) return fail(Code::kInvalid, folder.string() + " holds " + std::to_string(out.size()) +
                                                      " images; calibration needs two or more, better twenty");
  return out;
}

}  // namespace lectern::cli
