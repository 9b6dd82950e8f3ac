// Figure 7: what an image costs on machines and on functions.

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

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

double priceOf(const PriceBook& book, std::string_view id) { return book.find(id)->tiers[0].price.usd(); }

/// The longest call of 3008 MB that costs no more than a machine does for each of 1000 images, in milliseconds. From the
/// paper's own constants: 600 s up, prices of 2020, steps of 100 ms.
double breakEvenMs(const PriceBook& book, const Curve& machine) {
  constexpr double kStepMs = 100;
  const double step_usd = priceOf(book, "lambda.duration.x86_64") * 3008 / 1024 * kStepMs / 1000;
  return std::floor((valueAt(machine, 1000) - priceOf(book, "lambda.requests")) / step_usd) * kStepMs;
}

std::string whyWarm(const PriceBook& book, const Figure& f, const Calibration& c) {
  std::string limits;
  for (size_t n = 0; n < 4; ++n) {
    limits += fmt::format("{}{:.0f} ms ({})", n == 0 ? "" : ", ", breakEvenMs(book, f.curves[n]), f.curves[n].name);
  }
  return fmt::format("It follows from the paper's own constants (600 s up, 1000 images, 3008 MB, 100 ms steps) only for calls "
                     "of up to {}; a call here takes {:.0f} ms on average and scatters by {:.0f} %, so that some are "
                     "billed a step more. A busy function of 3008 MB costs {:.3f} USD an hour, a "
                     "thread of t2.large {:.3f}: a machine that is busy is cheaper, a function wins by what a machine idles.",
                     limits, c.page_ms, 100 * c.page_cv, priceOf(book, "lambda.duration.x86_64") * 3008 / 1024 * 3600,
                     priceOf(book, "ec2.t2.large") / 2);
}

std::string whyCold(const PriceBook& book, const Figure& f, const Calibration& c) {
  int up_to = 0;
  for (const int images : batchSizes()) {
    if (valueAt(f.curves[5], images) < valueAt(f.curves[3], 1000) * 3) up_to = images;
  }
  return fmt::format("The largest machine's cost buys {:.1f} s of a function; 1000 new instances that read {:.0f} MiB each "
                     "from one bursting file system wait far longer. It holds for up to {} new instances at once.",
                     breakEvenMs(book, f.curves[3]) / 1000, c.model_mib, up_to);
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
  TRY(const PriceBook old, loadBook("aws-2020"));
  TRY(const PriceBook now, loadBook("aws-2026"));
  const double warm = valueAt(f.curves[4], 1000);
  const double cold = valueAt(f.curves[5], 1000);
  double cheapest = valueAt(f.curves[0], 1000);
  for (size_t n = 1; n < 4; ++n) cheapest = std::min(cheapest, valueAt(f.curves[n], 1000));
  const double largest = valueAt(f.curves[3], 1000);
  f.claims.push_back({fmt::format("Warm functions cost less than every machine at 1000 images: {:.2e} against {:.2e} USD",
                                  warm, cheapest), warm < cheapest, whyWarm(old, f, c)});
  f.claims.push_back({fmt::format("Cold functions cost about what the largest machine does: {:.2e} against {:.2e} USD",
                                  cold, largest), cold > largest / 3 && cold < largest * 3, whyCold(old, f, c)});
  int cheapest_up_to = 0;
  for (const int images : batchSizes()) {
    bool below = true;
    for (size_t n = 0; n < 4; ++n) below &= valueAt(f.curves[4], images) < valueAt(f.curves[n], images);
    if (below) cheapest_up_to = images;
  }
  f.claims.push_back({fmt::format("Warm functions cost less than every machine up to {} images in its 600 s", cheapest_up_to),
                      cheapest_up_to > 1, ""});
  const double warm_now = valueAt(f.curves[6], 1000), cold_now = valueAt(f.curves[7], 1000);
  f.since = fmt::format("a warm image costs {:.2e} USD, {:.0f} % of 2020, since time is billed by the millisecond; a cold one "
                        "{:.2e} USD, of which {:.2e} is the read of the model at the price of elastic throughput. From a "
                        "snapshot, whose instances share the model, it costs {:.2e} USD.",
                        warm_now, 100 * warm_now / warm, cold_now, priceOf(now, "efs.elastic_read") * c.model_mib / 1024,
                        valueAt(f.curves[8], 1000));
  f.text = "Machines are paid for 600 s, as the paper does; functions by the call, in steps of 100 ms in 2020 and 1 ms "
           "today, with the model's place on the file system for the same time. Machine prices are those of 2020.";
  return f;
}

}  // namespace lectern::plan
