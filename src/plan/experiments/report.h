#pragma once
// Figures as files.

#include <filesystem>
#include <string>
#include <vector>

#include "plan/experiments/figures.h"

namespace lectern::plan {

/// figure,series,kind,x,y: one row a point, kind is measured or simulated.
std::string figureCsv(const Figure& figure);
std::string figureSvg(const Figure& figure);
/// The paragraph: what is measured, what is simulated, which claims hold.
std::string figureText(const Figure& figure, const Calibration& calibration);
/// One page that opens from disk, pictures inside.
std::string reportHtml(const std::vector<Figure>& figures, const Calibration& calibration);
/// DIR/figN.csv, DIR/figN.svg for each, and DIR/report.html.
Result<void> writeFigures(const std::vector<Figure>& figures, const Calibration& calibration,
                          const std::filesystem::path& folder);

}  // namespace lectern::plan
