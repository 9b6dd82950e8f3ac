#pragma once
// Images as inputs of a model, for calibration.

#include <filesystem>
#include <string>
#include <vector>

#include "model/session.h"

namespace lectern::cli {

struct CalibrationOptions {
  std::string normalize = "imagenet";  // imagenet, half ((x/255 - 0.5) / 0.5), unit (x/255) or none
  int max_side = 960;                  // of what the model leaves open
  size_t max_images = 48;
};

/// Every image of a folder, in the order of names, as the float tensor that `input` wants: [1, 1 or 3, height, width],
/// grey values in every channel. Sides the model fixes are kept to; open ones keep the aspect, in multiples of 32.
Result<std::vector<model::Tensor>> loadCalibration(const std::filesystem::path& folder, const model::Port& input,
                                                   const CalibrationOptions& options);

}  // namespace lectern::cli
