// Usage: engine_vs_simulation BUNDLE.zip EVENT.json [MEMORY_MB]. One line of JSON a load; see README.md.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "engine/engine.h"
#include "plan/profile/measure.h"
#include "plan/profile/profile.h"
#include "plan/simulate/simulator.h"
#include "plan/workload/arrivals.h"

namespace {

namespace fs = std::filesystem;
using namespace lectern;

constexpr double kAllowed = 0.10;
constexpr int kCold = 4, kWarm = 16;  // before the loads and again after them
constexpr uint64_t kSeed = 7;

[[noreturn]] void die(const std::string& why) {
  fprintf(stderr, "engine_vs_simulation: %s\n", why.c_str());
  exit(1);
}

struct Load {
  std::string name;
  plan::Trace trace;
  double idle_s;
};

/// What calls of a load looked like: latencies from the planned arrival to the answer.
struct Seen {
  std::vector<float> latencies_ms;
  int64_t cold = 0, billed_ms = 0;
};

std::unique_ptr<engine::Engine> startEngine(double idle_s) {
  engine::EngineOptions options;
  options.functions_first = true;
  options.idle = Nanos(static_cast<int64_t>(idle_s * 1e9));
  auto engine = engine::Engine::start(options);
  if (!engine) die(engine.error().message);
  return std::move(*engine);
}

engine::FunctionSpec specOf(const fs::path& bundle, int memory_mb) {
  engine::FunctionSpec spec;
  spec.name = "ocr", spec.code = bundle, spec.memory_mb = memory_mb, spec.timeout_s = 120;
  spec.mounts = {{assetsDir(), "/mnt/lectern", false}};
  spec.environment = {{"LECTERN_MODELS", "/mnt/lectern/models"}, {"OMP_THREAD_LIMIT", "1"}};
  return spec;
}

/// The function in an engine of this process; each renewal is another round in its environment.
class Local final : public plan::Endpoint {
 public:
  Local(engine::Engine& engine, engine::FunctionSpec spec) : engine_(engine), spec_(std::move(spec)) {}
  Result<void> renew(int memory_mb) override {
    spec_.memory_mb = memory_mb;
    spec_.environment["ROUND"] = std::to_string(++round_);
    return engine_.addFunction(spec_);
  }
  Result<plan::Invoked> invoke(std::string_view payload) override {
    auto result = engine_.invoke({.function = "ocr", .payload = std::string(payload), .want_log = true});
    return plan::Invoked{std::move(result.log), !result.ok(), std::move(result.payload)};
  }

 private:
  engine::Engine& engine_;
  engine::FunctionSpec spec_;
  int round_ = 0;
};

plan::Profile profileOf(const fs::path& bundle, const std::string& event, int memory_mb) {
  const auto engine = startEngine(600);
  Local endpoint(*engine, specOf(bundle, memory_mb));
  plan::MeasureOptions options;
  options.function = "ocr";
  options.memories = {memory_mb};
  options.payloads = {event};
  options.cold = kCold, options.warm = kWarm;
  const RealClock clock;
  auto profile = plan::measure(endpoint, options, clock, [](std::string_view text) {
    fprintf(stderr, "service times: %.*s\n", static_cast<int>(text.size()), text.data());
  });
  if (!profile) die(profile.error().message);
  return std::move(*profile);
}

int64_t billedOf(const std::string& log) {
  constexpr std::string_view kField = "Billed Duration: ";
  const size_t at = log.rfind(kField);
  return at == std::string::npos ? 0 : strtoll(log.c_str() + at + kField.size(), nullptr, 10);
}

/// Sends every call at its time, whatever became of those before it.
Seen runOnEngine(const Load& load, const fs::path& bundle, const std::string& event, int memory_mb) {
  const auto engine = startEngine(load.idle_s);
  if (auto added = engine->addFunction(specOf(bundle, memory_mb)); !added) die(added.error().message);
  const RealClock clock;
  Seen seen;  // written on the engine's thread until `open` is zero
  std::atomic<size_t> open{load.trace.arrivals.size()};
  const SteadyTime begun = clock.now();
  for (const plan::Arrival& arrival : load.trace.arrivals) {
    const SteadyTime due = begun + Nanos(arrival.t_nanos);
    while (clock.now() < due) std::this_thread::sleep_for(std::min(due - clock.now(), Nanos(Millis(50))));
    engine->invokeAsync({.function = "ocr", .payload = event, .want_log = true}, [&, due](const engine::InvokeResult& r) {
      if (!r.ok()) die("a call failed: " + r.payload.substr(0, 300));
      seen.latencies_ms.push_back(static_cast<float>(static_cast<double>((clock.now() - due).count()) / 1e6));
      seen.cold += r.log.find("Init Duration") != std::string::npos;
      seen.billed_ms += billedOf(r.log);
      --open;
    });
  }
  while (open > 0) std::this_thread::sleep_for(Millis(20));
  return seen;
}

double off(double simulated, double measured) { return simulated / measured - 1; }

bool compare(const Load& load, Seen seen, const plan::Profile& profile, int memory_mb) {
  plan::Simulation simulation;
  auto platform = plan::platformNamed("fixed:" + std::to_string(load.idle_s));
  if (!platform) die(platform.error().message);
  simulation.platform = *platform;
  simulation.memory_mb = memory_mb;
  simulation.seed = kSeed;
  if (auto adopted = plan::adoptProfile(profile, memory_mb, simulation); !adopted) die(adopted.error().message);
  const auto out = plan::simulate(load.trace, simulation);
  if (!out) die(out.error().message);
  const double p50 = plan::percentile(seen.latencies_ms, 0.5).value, p95 = plan::percentile(seen.latencies_ms, 0.95).value;
  const bool good = std::abs(off(out->p50_ms.value, p50)) <= kAllowed && std::abs(off(out->p95_ms.value, p95)) <= kAllowed;
  const json::object line{{"load", load.name},
                          {"memory_mb", memory_mb},
                          {"calls", seen.latencies_ms.size()},
                          {"engine", {{"p50_ms", p50}, {"p95_ms", p95}, {"cold", seen.cold}, {"billed_ms", seen.billed_ms}}},
                          {"simulated", {{"p50_ms", out->p50_ms.value}, {"p95_ms", out->p95_ms.value},
                                         {"cold", out->cold_starts.value}, {"billed_ms", out->billed_ms.value}}},
                          {"off_p50", off(out->p50_ms.value, p50)},
                          {"off_p95", off(out->p95_ms.value, p95)},
                          {"off_billed", off(out->billed_ms.value, static_cast<double>(seen.billed_ms))},
                          {"within_10_percent", good}};
  printf("%s\n", toJson(line).c_str());
  fflush(stdout);
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) die("usage: engine_vs_simulation BUNDLE.zip EVENT.json [MEMORY_MB]");
  const fs::path bundle = fs::absolute(argv[1]);
  const int memory_mb = argc > 3 ? atoi(argv[3]) : 512;
  const auto event = readFile(argv[2], mebibytes(6));
  if (!event) die(event.error().message);
  plan::Profile profile = profileOf(bundle, *event, memory_mb);
  const std::vector<Load> loads = {
      {"Poisson, 1.5 a second", plan::poissonTrace(1.5, 80, plan::Random(kSeed)), 600},
      {"4 at once every 3 s", plan::burstTrace(4, 34, Seconds(3)), 600},
      // About a fifth starts cold: with a half the median would lie in the gap between warm and cold times.
      {"Poisson, 0.5 a second, instances end after 3 s", plan::poissonTrace(0.5, 100, plan::Random(kSeed + 1)), 3}};
  std::vector<Seen> seen;
  for (const Load& load : loads) {
    fprintf(stderr, "%s: %zu calls in %.0f s\n", load.name.c_str(), load.trace.arrivals.size(), load.trace.seconds());
    seen.push_back(runOnEngine(load, bundle, *event, memory_mb));
  }
  // What else the machine does changes with time: service times from both ends stand for what lay between.
  const plan::Profile after = profileOf(bundle, *event, memory_mb);
  profile.samples.insert(profile.samples.end(), after.samples.begin(), after.samples.end());
  bool good = true;
  for (size_t n = 0; n < loads.size(); ++n) good &= compare(loads[n], seen[n], profile, memory_mb);
  return good ? 0 : 1;
}
