#include "plan/experiment.h"

#include <fmt/core.h>

#include "plan/experiments/report.h"

namespace lectern::plan {

Result<std::vector<int>> figureNumbers(std::string_view name) {
  if (name == "all") return std::vector<int>{3, 4, 5, 6, 7};
  if (name.size() == 4 && name.starts_with("fig") && name[3] >= '3' && name[3] <= '7') {
    return std::vector<int>{name[3] - '0'};
  }
  return fail(Code::kInvalid, fmt::format("unknown experiment \"{}\": there are fig3 to fig7 and all", name));
}

Result<std::string> runExperiment(const std::vector<int>& numbers, const Calibration& calibration,
                                  const std::filesystem::path& folder,
                                  const std::function<void(std::string_view)>& progress) {
  std::vector<Figure> figures;
  std::string text;
  for (const int number : numbers) {
    progress(fmt::format("figure {}: simulating", number));
    TRY(Figure figure, computeFigure(number, calibration));
    text += fmt::format("Figure {}, {}\n{}\n\n", number, figure.title, figureText(figure, calibration));
    figures.push_back(std::move(figure));
  }
  TRY_VOID(writeFigures(figures, calibration, folder));
  return text + fmt::format("written: {}\n", (folder / "report.html").string());
}

}  // namespace lectern::plan
