#pragma once
// `lectern experiment`: the paper's figures. Measuring is the caller's part (it needs the reader), the rest is here.

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/experiments/figures.h"

namespace lectern::plan {

/// "fig5" -> {5}, "all" -> {3, 4, 5, 6, 7}; kInvalid otherwise.
Result<std::vector<int>> figureNumbers(std::string_view name);

/// Computes the figures, writes figN.csv, figN.svg and report.html into `folder`, tells `progress` of each, and returns
/// the paragraphs.
Result<std::string> runExperiment(const std::vector<int>& numbers, const Calibration& calibration,
                                  const std::filesystem::path& folder,
                                  const std::function<void(std::string_view)>& progress);

}  // namespace lectern::plan
