// Figure 7: what an image costs on machines and on functions.

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "plan/experiments/figures.h"

namespace lectern::plan {

namespace {

// The paper's accounting: a machine is up for about 600 s to do its work, boot and set-up included.
constexpr double kMachineUpSeconds = 600;
constexpr double kSecondsOfMonth = 30 * 24 * 3600.0;

Result<double> functionCost(const Calibration& c, const FunctionCase& which, int images) {
  TRY(const Outcome out, runFunctions(c, which, images));
  // Three bursts were run; the model's place on the file system is paid for as long as the machine would be up.
  TRY(const PriceBook book, loadBook(which.today ? "aws-2026" : "aws-2020"));
  const double storage = book.find("efs.standard")->tiers[0].price.usd() * c.model_mib / 1024 * kMachineUpSeconds /
                         kSecondsOfMonth;
  return (out.cost_usd.value / 3 + storage) / images;
}

}  // namespace

Result<Figure> costFigure(const Calibration& c) {
  Figure f{7, "Cost of an image against images in the batch", "images", "USD an image", true, true, {}, {}, {}};
  for (const char* type : {"t2.large", "t2.xlarge", "t2.2xlarge", "m5d.12xlarge"}) {
    Curve curve{type, false, {}};
    for (const int images : batchSizes()) {
      TRY(const Outcome out, runMachine(c, type, images, kMachineUpSeconds, "aws-2020"));
      curve.points.emplace_back(images, out.cost_usd.value / images);
    }
    f.curves.push_back(std::move(curve));
  }
  const std::array<std::pair<const char*, FunctionCase>, 5> cases = {{
      {"functions warm, 2020", {}},
      {"functions cold, 2020", {.cold = true}},
      {"functions warm, 2026", {.today = true}},
      {"functions cold, 2026", {.today = true, .cold = true}},
      {"snapshot, 2026", {.today = true, .cold = true, .snapshot = true}},
  }};
  for (const auto& [name, which] : cases) {
    Curve curve{name, false, {}};
    for (const int images : batchSizes()) {
      TRY(const double cost, functionCost(c, which, images));
      curve.points.emplace_back(images, cost);
    }
    f.curves.push_back(std::move(curve));
  }
  const double warm = valueAt(f.curves[4], 1000);
  const double cold = valueAt(f.curves[5], 1000);
  double cheapest = valueAt(f.curves[0], 1000);
  for (size_t n = 1; n < 4; ++n) cheapest = std::min(cheapest, valueAt(f.curves[n], 1000));
  const double largest = valueAt(f.curves[3], 1000);
  f.claims.push_back({fmt::format("Warm functions cost less than every machine at 1000 images: {:.2e} against {:.2e} USD",
                                  warm, cheapest), warm < cheapest});
  f.claims.push_back({fmt::format("Cold functions cost about what the largest machine does: {:.2e} against {:.2e} USD",
                                  cold, largest), cold > largest / 3 && cold < largest * 3});
  int cheapest_up_to = 0;
  for (const int images : batchSizes()) {
    bool below = true;
    for (size_t n = 0; n < 4; ++n) below &= valueAt(f.curves[4], images) < valueAt(f.curves[n], images);
    if (below) cheapest_up_to = images;
  }
  f.claims.push_back({fmt::format("Warm functions cost less than every machine up to {} images in its 600 s", cheapest_up_to),
                      cheapest_up_to > 1});
  f.text = "Machines are paid for 600 s, as the paper does; functions by the call, in steps of 100 ms in 2020 and 1 ms "
           "today, with the model's place on the file system for the same time. Machine prices are those of 2020.";
  return f;
}

}  // namespace lectern::plan
