#include "plan/simulate.h"

#include <fmt/core.h>

#include <cmath>

#include "base/json.h"
#include "plan/profile/profile.h"
#include "plan/simulate/simulator.h"
#include "plan/simulate/vm_fleet.h"
#include "plan/simulate_setup.h"

namespace lectern::plan {

Result<Trace> workloadOf(const SimulateOptions& o) {
  const int given = !o.trace.empty() + (o.poisson_rate > 0) + (o.burst > 0);
  if (given != 1) return fail(Code::kInvalid, "give one workload: --trace FILE, --poisson RATE or --burst SIZE");
  if (!o.trace.empty()) return readTrace(o.trace, o.seed);
  if (!(o.seconds > 0 && o.seconds < 1e9)) return fail(Code::kInvalid, "--seconds must be above zero");
  if (o.poisson_rate > 0) {
    if (o.poisson_rate * o.seconds > 1e8) return fail(Code::kTooLarge, "more than 100 million arrivals");
    Trace trace = poissonTrace(o.poisson_rate, o.seconds, Random::forRun(o.seed, 1'000'003));
    if (trace.arrivals.empty()) return fail(Code::kInvalid, "no arrival in that time");
    return trace;
  }
  if (!(o.every_s > 0)) return fail(Code::kInvalid, "--every must be above zero");
  const auto times = static_cast<int64_t>(std::max(1.0, std::floor(o.seconds / o.every_s)));
  if (o.burst * times > 100'000'000) return fail(Code::kTooLarge, "more than 100 million arrivals");
  return burstTrace(o.burst, times, Nanos(static_cast<int64_t>(o.every_s * 1e9)));
}

Result<Simulation> simulationOf(const SimulateOptions& o, const Trace& trace) {
  Simulation sim;
  TRY(sim.platform, platformNamed(o.policy));
  if (!o.book.empty()) sim.platform.book = o.book;
  sim.platform.account.concurrency = o.account_concurrency;
  sim.memory_mb = o.memory_mb;
  sim.arch = o.arch;
  sim.provisioned = o.provisioned;
  if (o.reserved >= 0) sim.reserved = o.reserved;
  sim.timeout = Nanos(static_cast<int64_t>(o.timeout_s * 1e9));
  sim.batch = o.batch;
  sim.batch_wait = Nanos(static_cast<int64_t>(o.batch_wait_ms * 1e6));
  sim.seed = o.seed;
  sim.runs = o.runs;
  sim.file_system = sim.platform.book == "aws-2026" ? FileSystem::ofToday() : FileSystem::of2020();
  if (o.efs_client_mib_s > 0 || o.efs_total_mib_s > 0) {
    sim.file_system = {o.efs_client_mib_s > 0 ? o.efs_client_mib_s : 500,
                       o.efs_total_mib_s > 0 ? o.efs_total_mib_s : 100, false};
  }
  sim.start.init_ms = o.init_ms;
  sim.start.model_mib = o.model_mib;
  sim.start.load_in_handler = o.load_in_handler;
  sim.start.preinit_ms = 250;
  sim.start.preinit_cv = 0.5;
  sim.service.kind = Service::Kind::kTrace;
  if (trace.recorded) adoptRecorded(*trace.recorded, sim);
  if (!o.profile.empty()) {
    TRY(const Profile profile, readProfile(o.profile));
    TRY_VOID(adoptProfile(profile, o.memory_mb, sim));
  }
  if (o.service_ms >= 0) {
    sim.service.kind = o.service_cv > 0 ? Service::Kind::kLognormal : Service::Kind::kConstant;
    sim.service.mean_ms = o.service_ms;
    sim.service.cv = o.service_cv;
  }
  if (o.per_item_ms > 0) sim.service.per_item_ms = o.per_item_ms;
  if (o.preinit_ms >= 0) {
    sim.start.preinit_ms = o.preinit_ms;
    sim.start.preinit_samples.clear();
  }
  return sim;
}

namespace {

json::array interval(const Estimate& e) { return {e.low, e.high}; }

std::string outcomeJson(const Outcome& out) {
  json::array bill;
  for (const BillLine& line : out.bill) {
    bill.push_back(json::object{{"price", line.price_id}, {"how", line.how}, {"usd", line.amount.usd()}});
  }
  const json::object root{
      {"invocations", out.requests},
      {"cold_starts", std::llround(out.cold_starts.value)},
      {"throttles", std::llround(out.throttles.value)},
      {"p50_ms", out.p50_ms.value},
      {"p95_ms", out.p95_ms.value},
      {"p99_ms", out.p99_ms.value},
      {"cost_usd", out.cost_usd.value},
      {"wall_s", out.wall_s},
      {"runs", out.runs},
      {"calls", out.calls.value},
      {"cold_starts_mean", out.cold_starts.value},
      {"cold_starts_ci95", interval(out.cold_starts)},
      {"timeouts", out.timeouts.value},
      {"mean_ms", out.mean_ms.value},
      {"max_ms", out.max_ms.value},
      {"p50_ci95", interval(out.p50_ms)},
      {"p95_ci95", interval(out.p95_ms)},
      {"p99_ci95", interval(out.p99_ms)},
      {"cost_ci95", interval(out.cost_usd)},
      {"billed_ms", out.billed_ms.value},
      {"billed_init_ms", out.billed_init_ms.value},
      {"init_restarts", out.init_restarts.value},
      {"peak_concurrency", out.peak_concurrency.value},
      {"mean_instances", out.mean_instances.value},
      {"mean_busy", out.mean_busy.value},
      {"makespan_s", out.makespan_s.value},
      {"bill", std::move(bill)},
  };
  return toJson(root) + "\n";
}

std::string outcomeTable(const Trace& trace, const Outcome& out) {
  std::string text = fmt::format("{}: {} requests in {:.0f} s, {} run{}\n", trace.name, out.requests, trace.seconds(),
                                 out.runs, out.runs == 1 ? "" : "s");
  const auto row = [&text](std::string_view name, const Estimate& e, std::string_view unit, int digits) {
    text += fmt::format("  {:<18} {:>12.{}f} {:<4}", name, e.value, digits, unit);
    if (e.high > e.low) text += fmt::format(" 95 %: {:.{}f} to {:.{}f}", e.low, digits, e.high, digits);
    text += "\n";
  };
  row("cold starts", out.cold_starts, "", 1);
  row("throttled", out.throttles, "", 1);
  if (out.init_restarts.value > 0) row("init past 10 s", out.init_restarts, "", 1);
  if (out.timeouts.value > 0) row("timed out", out.timeouts, "", 1);
  row("p50", out.p50_ms, "ms", 1);
  row("p95", out.p95_ms, "ms", 1);
  row("p99", out.p99_ms, "ms", 1);
  row("peak concurrency", out.peak_concurrency, "", 0);
  row("instances alive", out.mean_instances, "", 2);
  if (out.billed_init_ms.value > 0) row("init on the bill", out.billed_init_ms, "ms", 0);
  row("cost", out.cost_usd, "USD", 8);
  for (const BillLine& line : out.bill) {
    text += fmt::format("    {}: {} = {} USD\n", line.price_id, line.how, formatMoney(line.amount));
  }
  text += fmt::format("  simulated in {:.3f} s a run ({:.0f} invocations a second)\n", out.wall_s,
                      static_cast<double>(out.requests) / out.wall_s);
  return text;
}

}  // namespace

Result<std::string> simulateReport(const SimulateOptions& o) {
  TRY(const Trace trace, workloadOf(o));
  TRY(const Simulation sim, simulationOf(o, trace));
  const bool assumed = o.trace.empty() && o.profile.empty() && o.service_ms < 0;
  const std::string note =
      assumed && !o.json ? fmt::format("Note: no service time is given, {:.0f} ms is taken; give --service-ms or --profile\n",
                                       sim.service.mean_ms)
                         : "";
  if (o.machine.empty()) {
    TRY(const Outcome out, simulate(trace, sim));
    return o.json ? outcomeJson(out) : outcomeTable(trace, out) + note;
  }
  Fleet fleet;
  TRY(fleet.machine, machineNamed(o.machine));
  fleet.count = o.machines;
  fleet.unlimited = o.unlimited;
  fleet.book = sim.platform.book;
  TRY(const Outcome out, simulateFleet(trace, sim.service, fleet, o.seed));
  return o.json ? outcomeJson(out) : outcomeTable(trace, out) + note;
}

}  // namespace lectern::plan
