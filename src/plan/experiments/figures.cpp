#include "plan/experiments/figures.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "plan/simulate/vm_fleet.h"

namespace lectern::plan {

namespace {

// A call's way through the front door, as recorded on Lambda in 2020 (median of warm calls).
constexpr double kOverheadMs = 92;

using Cell = Result<double>;

/// A curve over batch sizes.
template <typename F>
Result<Curve> curveOf(std::string name, F&& value) {
  Curve curve{std::move(name), false, {}};
  for (const int images : batchSizes()) {
    TRY(const double y, value(images));
    curve.points.emplace_back(images, y);
  }
  return curve;
}

Result<std::vector<Curve>> responseCurves(const Calibration& c) {
  std::vector<Curve> curves;
  for (const auto& [type, name] : {std::pair{"onprem24", "24-core server"}, std::pair{"m5d.12xlarge", "m5d.12xlarge"}}) {
    TRY(Curve curve, curveOf(name, [&](int images) -> Cell {
          TRY(const Outcome out, runMachine(c, type, images, 0, "aws-2020"));
          return out.makespan_s.value;
        }));
    curves.push_back(std::move(curve));
  }
  for (const bool today : {false, true}) {
    TRY(Curve curve, curveOf(today ? "functions, 2026" : "functions, 2020", [&](int images) -> Cell {
          TRY(const Outcome out, runFunctions(c, {.today = today}, images));
          return out.max_ms.value / 1000;
        }));
    curves.push_back(std::move(curve));
  }
  if (!c.batch_seconds.empty()) curves.push_back(measuredCurve("this machine, in one process", c.batch_seconds));
  if (!c.functions.warm_seconds.empty()) {
    curves.push_back(measuredCurve(fmt::format("functions of {} MB on this machine", c.functions.at_once_memory_mb),
                                   c.functions.warm_seconds));
  }
  return curves;
}

Result<Figure> responseFigure(const Calibration& c) {
  Figure f{3, "Response time against images in the batch", "images", "response time (s)", true, true, {}, {}, {}};
  TRY(f.curves, responseCurves(c));
  const double server = valueAt(f.curves[0], 1000) / valueAt(f.curves[0], 16);
  const double function = valueAt(f.curves[2], 1000) / valueAt(f.curves[2], 1);
  f.claims.push_back({fmt::format("Function response time stays flat: {:.2f} times from 1 to 1000 images", function),
                      function < 2, ""});
  f.claims.push_back({fmt::format("Servers rise once their cores are taken: {:.1f} times from 16 to 1000", server),
                      server > 5, ""});
  const double small = valueAt(f.curves[2], 16) / valueAt(f.curves[0], 16);
  f.claims.push_back({fmt::format("Up to 16 images functions are slightly faster than the server: ratio {:.2f}", small),
                      small < 1,
                      fmt::format("With the same work an image and the same core a server with free cores cannot lose: "
                                  "3008 MB give one thread no more than one core, and a call to Lambda has a way of "
                                  "{:.0f} ms of its own (recorded in 2020). Without that way the ratio is {:.2f}. The "
                                  "claim needs a server that is slower than its free cores, as when all images share "
                                  "one session of the framework; the paper does not say how its server reads a batch.",
                                  kOverheadMs,
                                  (valueAt(f.curves[2], 16) - kOverheadMs / 1000) / valueAt(f.curves[0], 16))});
  f.since = fmt::format("1000 images at once take {:.2f} s with the limits of today, {:.2f} s with those of 2020.",
                        valueAt(f.curves[3], 1000), valueAt(f.curves[2], 1000));
  f.text = "Each image is one function call of 3008 MB on a warm instance; servers work with all hardware threads.";
  return f;
}

Result<Figure> throughputFigure(const Calibration& c) {
  Figure f{4, "Throughput against images in the batch", "images", "images a second", true, true, {}, {}, {}};
  TRY(f.curves, responseCurves(c));
  for (Curve& curve : f.curves) {
    for (auto& [images, y] : curve.points) y = images / y;
  }
  const double function = valueAt(f.curves[2], 1000) / valueAt(f.curves[2], 64);
  const double server = valueAt(f.curves[0], 1000) / valueAt(f.curves[0], 64);
  f.claims.push_back({fmt::format("Function throughput grows with the batch: {:.1f} times from 64 to 1000", function),
                      function > 5, ""});
  f.claims.push_back({fmt::format("Server throughput does not change much: {:.2f} times from 64 to 1000", server),
                      server < 1.5, ""});
  f.since = fmt::format("{:.0f} images a second at 1000 at once, {:.0f} with the limits of 2020.",
                        valueAt(f.curves[3], 1000), valueAt(f.curves[2], 1000));
  f.text = "Images divided by the response time of figure 3.";
  return f;
}

Result<Figure> coldFigure(const Calibration& c) {
  Figure f{5, "Cold and warm start against concurrency", "images at once", "response time (s)", true, true, {}, {}, {}};
  const std::pair<const char*, FunctionCase> cases[] = {
      {"cold, 2020 (every 15 min)", {.cold = true}},
      {"warm, 2020 (every 2 min)", {}},
      {"cold, 2026", {.today = true, .cold = true}},
      {"snapshot, 2026", {.today = true, .cold = true, .snapshot = true}},
  };
  for (const auto& [name, which] : cases) {
    TRY(Curve curve, curveOf(name, [&, &w = which](int images) -> Cell {
          TRY(const Outcome out, runFunctions(c, w, images));
          return out.max_ms.value / 1000;
        }));
    f.curves.push_back(std::move(curve));
  }
  const auto gap = [&f](int images) { return valueAt(f.curves[0], images) - valueAt(f.curves[1], images); };
  f.claims.push_back({fmt::format("The gap between cold and warm widens: {:.1f} s at 1, {:.1f} s at 64, {:.1f} s at "
                                  "1000 images", gap(1), gap(64), gap(1000)),
                      gap(64) > gap(1) && gap(1000) > gap(64), ""});
  f.since = fmt::format("1000 images on new instances take {:.1f} s instead of {:.0f} s, since elastic throughput serves "
                        "all reads at once; from snapshots {:.1f} s.", valueAt(f.curves[2], 1000),
                        valueAt(f.curves[0], 1000), valueAt(f.curves[3], 1000));
  if (!c.functions.cold_seconds.empty()) {
    const std::string size = fmt::format("{} MB on this machine", c.functions.at_once_memory_mb);
    f.curves.push_back(measuredCurve("cold, " + size, c.functions.cold_seconds));
    f.curves.push_back(measuredCurve("warm, " + size, c.functions.warm_seconds));
  }
  f.text = fmt::format(
      "A new instance reads {:.0f} MiB of model in its first call; all share one file system (2020: bursting, 100 MiB/s "
      "with reads counted a third; 2026: elastic, 20 GiB/s). Beyond 900 s Lambda itself would give up. The paper names "
      "growing data as the reason for the gap; here it is the shared file system. Measured instances carry smaller weights in "
      "their bundle and read no shared file. With snapshots (10 ms to restore, not "
      "offered by AWS for such functions) it closes.",
      c.model_mib);
  return f;
}

Result<Figure> memoryFigure(const Calibration& c) {
  Figure f{6, "Time of 64 images against memory", "memory (MB)", "response time (s)", true, true, {}, {}, {}};
  for (const bool today : {false, true}) {
    Curve curve{today ? "functions, 2026" : "functions, 2020", false, {}};
    for (const int memory : {128, 256, 512, 768, 1024, 1536, 1792, 2048, 2560, 3008, 5120, 10'240}) {
      if (!today && memory > 3008) continue;
      TRY(const Outcome out, runFunctions(c, {.today = today, .memory_mb = memory}, 64));
      curve.points.emplace_back(memory, out.max_ms.value / 1000);
    }
    f.curves.push_back(std::move(curve));
  }
  const Curve& old = f.curves[0];
  bool falls = true;
  for (size_t n = 1; n < old.points.size(); ++n) falls &= old.points[n].second <= old.points[n - 1].second * 1.05;
  const double half = valueAt(old, 128) / valueAt(old, 256);
  f.claims.push_back({fmt::format("Time falls as memory grows: {:.1f} s at 128 MB, {:.2f} s at 3008 MB",
                                  valueAt(old, 128), valueAt(old, 3008)), falls, ""});
  f.claims.push_back({fmt::format("128 MB has half the processor of 256 MB: {:.2f} times the time", half),
                      half > 1.8 && half < 2.2, ""});
  f.since = "sizes up to 10 240 MB in steps of 1 MB; one vCPU at 1769 MB. For work of one thread neither changes the picture.";
  if (!c.functions.memory_seconds.empty()) {
    f.curves.push_back(measuredCurve("one image on this machine", c.functions.memory_seconds));
  }
  f.text = "The work of an image is one thread's: beyond one vCPU (1792 MB in 2020, 1769 MB today) memory buys nothing "
           "more. Sizes too small for the model are drawn as if it fitted.";
  return f;
}

}  // namespace

const std::vector<int>& batchSizes() {
  static const std::vector<int> kSizes = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000};
  return kSizes;
}

Curve measuredCurve(std::string name, const std::vector<std::pair<int, double>>& points) {
  Curve curve{std::move(name), true, {}};
  for (const auto& [x, y] : points) curve.points.emplace_back(x, y);
  return curve;
}

double valueAt(const Curve& curve, double x) {
  for (const auto& [px, py] : curve.points) {
    if (px == x) return py;
  }
  return NAN;
}

Result<Outcome> runFunctions(const Calibration& c, const FunctionCase& which, int images) {
  Simulation sim;
  TRY(sim.platform, platformNamed(which.today ? "lambda2026" : "lambda2020"));
  sim.memory_mb = which.memory_mb;
  sim.runs = 5;
  sim.overhead_ms = kOverheadMs;
  const double share = std::min(1.0, which.memory_mb / (which.today ? 1769.0 : 1792.0));
  sim.service.kind = Service::Kind::kLognormal;
  sim.service.mean_ms = c.page_ms / share;
  sim.service.cv = c.page_cv;
  if (which.snapshot) {
    sim.start.preinit_ms = 10;
  } else {
    sim.start.preinit_ms = 285;  // recorded in 2020: cold less warm, medians
    sim.start.preinit_cv = 0.4;
    sim.start.first_call_ms = c.load_ms / share;
    sim.start.model_mib = c.model_mib;
    sim.start.load_in_handler = true;
  }
  sim.file_system = which.today ? FileSystem::ofToday() : FileSystem::of2020();
  if (which.cold) return simulate(burstTrace(images, 3, std::chrono::minutes(15)), sim);
  // Warm: every call finds an instance that has served before.
  sim.start = {};
  sim.platform.account.burst = scheduling::Burst::none();
  return simulate(burstTrace(images, 3, std::chrono::minutes(2)), sim);
}

Result<Outcome> runMachine(const Calibration& c, const std::string& type, int images, double least_up_s,
                           const std::string& book) {
  Fleet fleet;
  TRY(fleet.machine, machineNamed(type));
  fleet.least_up_s = least_up_s;
  fleet.book = book;
  Service service;
  service.kind = Service::Kind::kLognormal;
  service.mean_ms = c.page_ms;
  service.cv = c.page_cv;
  return simulateFleet(burstTrace(images, 1, Seconds(1)), service, fleet, 1);
}

Result<Figure> computeFigure(int number, const Calibration& c) {
  switch (number) {
    case 3:
      return responseFigure(c);
    case 4:
      return throughputFigure(c);
    case 5:
      return coldFigure(c);
    case 6:
      return memoryFigure(c);
    case 7:
      return costFigure(c);
    default:
      return fail(Code::kInvalid, fmt::format("there is no figure {}: fig3, fig4, fig5, fig6, fig7 or all", number));
  }
}

}  // namespace lectern::plan
