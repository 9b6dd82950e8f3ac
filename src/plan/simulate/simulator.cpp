#include "plan/simulate/simulator.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/clock.h"
#include "plan/simulate/run.h"

namespace lectern::plan {

namespace {

float medianOf(std::vector<float> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Result<Bill> billOf(const PriceBook& book, const Simulation& sim, const RunResult& run) {
  Bill bill(book);
  const std::string price = (sim.provisioned > 0 ? "lambda.provisioned.duration." : "lambda.duration.") + sim.arch;
  const int64_t calls = run.calls - run.throttles;
  TRY(const Money duration, bill.charge(price, gbSeconds(Int128{run.billed_ms} * sim.memory_mb),
                                        fmt::format("{} billed ms x {} MB", run.billed_ms, sim.memory_mb)));
  TRY(const Money requests, bill.charge("lambda.requests", units(calls), fmt::format("{} calls", calls)));
  (void)duration;
  (void)requests;
  if (sim.file_system.elastic && run.model_reads > 0) {
    const auto mib = static_cast<int64_t>(std::llround(static_cast<double>(run.model_reads) * sim.start.model_mib));
    TRY(const Money reads, bill.charge("efs.elastic_read", Quantity{mib, 1024},
                                       fmt::format("{} reads of {} MiB", run.model_reads, sim.start.model_mib)));
    (void)reads;
  }
  if (sim.provisioned > 0) {
    const auto millis = static_cast<int64_t>(std::ceil(run.seconds / 300) * 300'000);
    TRY(const Money kept, bill.charge("lambda.provisioned.kept." + sim.arch,
                                      gbSeconds(Int128{millis} * sim.memory_mb * sim.provisioned),
                                      fmt::format("{} instances kept {} s", sim.provisioned, millis / 1000)));
    (void)kept;
  }
  return bill;
}

/// Values of each run, by what they are of.
struct Columns {
  std::vector<double> calls, cold, throttles, timeouts, starts, restarts, peak, instances, busy, billed, init, cost,
      seconds;

  void add(const RunResult& r, Money total) {
    calls.push_back(static_cast<double>(r.calls));
    cold.push_back(static_cast<double>(r.cold));
    throttles.push_back(static_cast<double>(r.throttles));
    timeouts.push_back(static_cast<double>(r.timeouts));
    starts.push_back(static_cast<double>(r.starts));
    restarts.push_back(static_cast<double>(r.init_restarts));
    peak.push_back(r.peak_concurrency);
    instances.push_back(r.instance_seconds / r.seconds);
    busy.push_back(r.busy_seconds / r.seconds);
    billed.push_back(static_cast<double>(r.billed_ms));
    init.push_back(r.billed_init_ms);
    cost.push_back(total.usd());
    seconds.push_back(r.seconds);
  }

  void into(Outcome& out) const {
    out.calls = meanOf(calls);
    out.cold_starts = meanOf(cold);
    out.throttles = meanOf(throttles);
    out.timeouts = meanOf(timeouts);
    out.starts = meanOf(starts);
    out.init_restarts = meanOf(restarts);
    out.peak_concurrency = meanOf(peak);
    out.mean_instances = meanOf(instances);
    out.mean_busy = meanOf(busy);
    out.billed_ms = meanOf(billed);
    out.billed_init_ms = meanOf(init);
    out.cost_usd = meanOf(cost);
    out.makespan_s = meanOf(seconds);
  }
};

}  // namespace

Result<Platform> platformNamed(std::string_view name) {
  using scheduling::Burst;
  using scheduling::KeepAlive;
  Platform p;
  p.name = std::string(name);
  p.book = "aws-2026";
  p.date = {2026, 8, 21};
  p.account.burst = Burst::today();
  p.keep_alive = KeepAlive::lambdaToday();
  if (name == "lambda2020") {
    p.book = "aws-2020";
    p.date = {2020, 6, 30};
    p.account.burst = Burst::of2020();
    p.keep_alive = KeepAlive::lambda2020();
  } else if (name == "histogram") {
    p.keep_alive = KeepAlive::hybridHistogram();
  } else if (name.starts_with("fixed:")) {
    const std::string_view digits = name.substr(6);
    double seconds = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    if (error != std::errc() || end != digits.data() + digits.size() || !(seconds > 0 && seconds < 1e8)) {
      return fail(Code::kInvalid, fmt::format("\"{}\": give the idle time in seconds, for example fixed:600", name));
    }
    p.keep_alive = KeepAlive::fixed(Nanos(static_cast<int64_t>(seconds * 1e9)));
  } else if (name != "lambda2026" && name != "lambda") {
    return fail(Code::kInvalid,
                fmt::format("unknown policy \"{}\": there are lambda2020, lambda2026, fixed:SECONDS, histogram", name));
  }
  return p;
}

void adoptRecorded(const Recorded& recorded, Simulation& simulation) {
  simulation.service.kind = Service::Kind::kTrace;
  simulation.service.samples = recorded.warm_ms;
  simulation.service.mean_ms = medianOf(recorded.warm_ms);
  simulation.start.first_call_ms = recorded.cold_extra_ms;
  simulation.overhead_samples = recorded.warm_overhead_ms;
  const float usual = medianOf(recorded.warm_overhead_ms);
  simulation.start.preinit_samples.clear();
  for (const float ms : recorded.cold_overhead_ms) {
    simulation.start.preinit_samples.push_back(std::max(0.0F, ms - usual));
  }
}

Result<Outcome> simulate(const Trace& trace, const Simulation& simulation) {
  const RealClock clock;
  const SteadyTime begun = clock.now();
  TRY(const PriceBook book, loadBook(simulation.platform.book));
  if (simulation.memory_mb < 128 || simulation.memory_mb > 10'240) {
    return fail(Code::kInvalid, fmt::format("memory is {} MB, it must lie between 128 and 10240", simulation.memory_mb));
  }
  std::vector<Batch> batches;
  if (simulation.batch > 1) {
    if (trace.functions > 1) return fail(Code::kInvalid, "batches need a workload of one function");
    batches = batchArrivals(trace.arrivals, simulation.batch, simulation.batch_wait);
  }
  const auto requests = static_cast<int64_t>(trace.arrivals.size());
  Outcome outcome;
  outcome.requests = requests;
  outcome.runs = simulation.runs > 0 ? simulation.runs : static_cast<int>(std::clamp<int64_t>(400'000 / requests, 1, 40));
  Columns columns;
  for (int n = 0; n < outcome.runs; ++n) {
    const uint64_t seed = Random::forRun(simulation.seed, static_cast<uint64_t>(n)).next();
    RunResult run = Run(trace, batches, simulation, seed).run();
    TRY(Bill bill, billOf(book, simulation, run));
    columns.add(run, bill.total());
    if (n == 0) {
      outcome.bill = bill.lines();
      outcome.latencies_ms = std::move(run.latencies_ms);
    } else {
      outcome.latencies_ms.insert(outcome.latencies_ms.end(), run.latencies_ms.begin(), run.latencies_ms.end());
    }
  }
  columns.into(outcome);
  outcome.mean_ms = {meanOfSamples(outcome.latencies_ms), 0, 0};
  outcome.p50_ms = percentile(outcome.latencies_ms, 0.50);
  outcome.p95_ms = percentile(outcome.latencies_ms, 0.95);
  outcome.p99_ms = percentile(outcome.latencies_ms, 0.99);
  outcome.max_ms = percentile(outcome.latencies_ms, 1.0);
  outcome.wall_s = static_cast<double>((clock.now() - begun).count()) / 1e9 / outcome.runs;
  return outcome;
}

}  // namespace lectern::plan
