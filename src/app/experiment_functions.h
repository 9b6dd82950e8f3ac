#pragma once
// What the experiments measure on functions: the ocr function in sandboxes of an engine inside this program.

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "plan/experiment.h"

namespace lectern::app {

/// Fills calibration.functions: time of one image at several memory sizes, and of some images at once on new and on
/// used instances. kUnavailable where the machine does not enforce CPU shares.
Result<void> measureFunctions(const std::filesystem::path& image, const std::string& detector, const Clock& clock,
                              plan::Calibration& calibration, const std::function<void(std::string_view)>& progress);

}  // namespace lectern::app
