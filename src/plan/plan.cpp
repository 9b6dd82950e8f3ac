#include "plan/plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "plan/optimise/optimise.h"
#include "plan/profile/fit.h"
#include "plan/simulate_setup.h"

namespace lectern::plan {

namespace {

Result<Grid> gridOf(const PlanOptions& o) {
  Grid grid{o.memories, o.batches, o.provisioned, {}, o.batch_wait_ms};
  for (const std::string& each : o.machines) {
    const size_t x = each.find('x');
    int count = 1;
    std::string type = each;
    const auto [end, error] = std::from_chars(each.data(), each.data() + each.size(), count);
    if (error == std::errc() && x != std::string::npos && end == each.data() + x) {
      type = each.substr(x + 1);
    } else {
      count = 1;
    }
    grid.machines.emplace_back(type, count);
  }
  return grid;
}

/// The workload at another rate: every n-th arrival, or time compressed.
Trace scaled(const Trace& trace, double factor) {
  Trace other = trace;
  for (Arrival& a : other.arrivals) a.t_nanos = static_cast<int64_t>(static_cast<double>(a.t_nanos) / factor);
  return other;
}

json::object choiceJson(const Choice& c) {
  return {{"choice", c.name()},
          {"kind", c.machine.empty() ? "function" : "machine"},
          {"memory_mb", c.memory_mb},
          {"batch", c.batch},
          {"provisioned", c.provisioned},
          {"p50_ms", c.p50_ms},
          {"p95_ms", c.p95_ms},
          {"p99_ms", c.p99_ms},
          {"cost_usd", c.cost_usd.value},
          {"cold_share", c.cold_share},
          {"lost_share", c.lost_share},
          {"pareto", c.pareto}};
}

struct Answer {
  double seconds = 0;    // that the costs are of
  int64_t requests = 0;
  std::vector<std::string> notes;
  std::vector<Choice> choices;
  const Choice* best = nullptr;
  std::vector<std::pair<std::string, std::string>> sensitivity;  // what changes, the answer then
};

constexpr double kClearlyFaster = 0.9, kAboutTheSame = 1.05;

/// How far prices can move before the other kind, functions or machines, is the cheaper one.
std::string priceMargin(const Answer& a, double limit) {
  const Choice* other = nullptr;
  for (const Choice& c : a.choices) {
    if (c.machine.empty() == a.best->machine.empty() || c.lost_share > 0 || (limit > 0 && c.p95_ms > limit)) continue;
    if (other == nullptr || c.cost_usd.value < other->cost_usd.value) other = &c;
  }
  if (other == nullptr) return "";
  return fmt::format(" It stays so until {} cost {:.2f} times what they do now, or {} 1/{:.2f} ({}).",
                     a.best->machine.empty() ? "functions" : "machines", other->cost_usd.value / a.best->cost_usd.value,
                     a.best->machine.empty() ? "machines" : "functions",
                     other->cost_usd.value / a.best->cost_usd.value, other->name());
}

std::string reasonOf(const Answer& a, double limit) {
  if (a.best == nullptr) {
    const auto fastest = std::ranges::min_element(a.choices, {}, &Choice::p95_ms);
    return fmt::format("No choice keeps p95 within {:.0f} ms; the fastest is {} with {:.0f} ms.", limit,
                       fastest->name(), fastest->p95_ms);
  }
  const double cost = a.best->cost_usd.value;
  std::string text = fmt::format("{} is the cheapest{}: {:.8f} USD for this workload, {:.2f} USD in 30 days of it, "
                                 "{:.3g} USD a 1000 requests, p95 {:.0f} ms.", a.best->name(),
                                 limit > 0 ? fmt::format(" with p95 within {:.0f} ms", limit) : "", cost,
                                 cost * 30 * 86'400 / a.seconds, 1000 * cost / static_cast<double>(a.requests),
                                 a.best->p95_ms);
  const Choice* cheaper = nullptr;
  const Choice* faster = nullptr;
  const Choice* near = nullptr;
  for (const Choice& c : a.choices) {
    if (!c.pareto) continue;
    if (c.cost_usd.value < cost && (cheaper == nullptr || c.p95_ms < cheaper->p95_ms)) cheaper = &c;
    if (c.p95_ms > kClearlyFaster * a.best->p95_ms) continue;
    if (c.cost_usd.value <= kAboutTheSame * cost) {
      if (near == nullptr || c.p95_ms < near->p95_ms) near = &c;
    } else if (faster == nullptr || c.cost_usd.value < faster->cost_usd.value) {
      faster = &c;
    }
  }
  if (near != nullptr) {
    text += fmt::format(" For {:.1f} % more {} has a p95 of {:.0f} ms.", 100 * (near->cost_usd.value / cost - 1),
                        near->name(), near->p95_ms);
  }
  if (cheaper != nullptr) {
    text += fmt::format(" Cheaper would be {} ({:.8f} USD), but its p95 is {:.0f} ms.", cheaper->name(),
                        cheaper->cost_usd.value, cheaper->p95_ms);
  }
  if (faster != nullptr) {
    text += fmt::format(" Faster would be {} (p95 {:.0f} ms) for {:.2f} times the price.", faster->name(),
                        faster->p95_ms, faster->cost_usd.value / cost);
  }
  return text + priceMargin(a, limit);
}

std::string tableOf(const Answer& a, double limit) {
  std::string text = fmt::format("{:<34} {:>10} {:>10} {:>10} {:>14} {:>7} {:>7}\n", "choice", "p50 ms", "p95 ms",
                                 "p99 ms", "USD", "cold %", "lost %");
  for (const Choice& c : a.choices) {
    text += fmt::format("{:<34} {:>10.1f} {:>10.1f} {:>10.1f} {:>14.8f} {:>7.2f} {:>7.2f} {}{}\n", c.name(), c.p50_ms,
                        c.p95_ms, c.p99_ms, c.cost_usd.value, 100 * c.cold_share, 100 * c.lost_share,
                        c.pareto ? "pareto" : "", &c == a.best ? " <- choose" : "");
  }
  text += reasonOf(a, limit) + "\n";
  for (const std::string& note : a.notes) text += "Note: " + note + "\n";
  for (const auto& [what, then] : a.sensitivity) text += fmt::format("  {:<22} {}\n", what, then);
  return text;
}

std::string jsonOf(const Answer& a, double limit) {
  json::array choices, sensitivity, notes;
  for (const std::string& note : a.notes) notes.emplace_back(note);
  for (const Choice& c : a.choices) choices.push_back(choiceJson(c));
  for (const auto& [what, then] : a.sensitivity) {
    sensitivity.push_back(json::object{{"change", what}, {"choice", then}});
  }
  json::object root{{"choices", std::move(choices)}, {"reason", reasonOf(a, limit)},
                    {"sensitivity", std::move(sensitivity)}, {"notes", std::move(notes)},
                    {"seconds", a.seconds}, {"requests", a.requests}};
  root["best"] = a.best == nullptr ? json::value(nullptr) : json::value(choiceJson(*a.best));
  return toJson(root) + "\n";
}

Result<CallTime> callTimeOf(const PlanOptions& o, const Simulation& sim, std::vector<std::string>& notes) {
  if (!o.workload.profile.empty()) {
    TRY(const Profile profile, readProfile(o.workload.profile));
    TRY(const Fit fit, fitProfile(profile));
    if (fit.only_batch > 0 && *std::ranges::max_element(o.batches) > fit.only_batch) {
      notes.push_back(fmt::format("the profile has calls of {} item{} only, so a batch is taken to need its items' time "
                                  "one after the other; measure --batch too", fit.only_batch,
                                  fit.only_batch == 1 ? "" : "s"));
    }
    if (fit.left_out_error > 0.1) {
      notes.push_back(fmt::format("times of sizes that were not measured may be off by {:.0f} %",
                                  100 * fit.left_out_error));
    }
    return CallTime([fit](int memory, int batch) { return fit.predict(memory, batch); });
  }
  const double one = sim.service.mean_ms;
  if (o.workload.service_ms < 0 && o.workload.trace.empty()) {
    notes.push_back(fmt::format("no service time is given, {:.0f} ms on one vCPU is taken; give --profile or --service-ms", one));
  }
  const double further = o.workload.per_item_ms > 0 ? o.workload.per_item_ms : one;
  return CallTime([one, further](int memory, int batch) {
    return (one + further * (batch - 1)) / std::min(1.0, memory / 1769.0);
  });
}

}  // namespace

Result<std::string> planReport(const PlanOptions& o) {
  TRY(const Trace trace, workloadOf(o.workload));
  TRY(Simulation base, simulationOf(o.workload, trace));
  base.runs = o.workload.runs > 0 ? o.workload.runs : 3;
  TRY(const Grid grid, gridOf(o));
  Answer answer;
  answer.seconds = std::max(trace.seconds(), 1.0);
  answer.requests = static_cast<int64_t>(trace.arrivals.size());
  TRY(const CallTime call_time, callTimeOf(o, base, answer.notes));
  TRY(answer.choices, explore(trace, base, grid, call_time));
  answer.best = cheapestWithin(answer.choices, o.p95_limit_ms);
  const auto then = [&](std::string what, const Trace& t, const Simulation& sim) -> Result<void> {
    TRY(const auto choices, explore(t, sim, grid, call_time));
    const Choice* best = cheapestWithin(choices, o.p95_limit_ms);
    answer.sensitivity.emplace_back(std::move(what),
                                    best == nullptr ? "nothing keeps the limit"
                                                    : fmt::format("{} ({:.8f} USD)", best->name(), best->cost_usd.value));
    return {};
  };
  TRY_VOID(then("twice the load:", scaled(trace, 2), base));
  TRY_VOID(then("half the load:", scaled(trace, 0.5), base));
  if (base.arch == "x86_64" && base.platform.book == "aws-2026") {
    Simulation other = base;
    other.arch = "arm64";
    TRY_VOID(then("arm64, as fast:", trace, other));
  }
  if (o.machines.empty() && base.arch == "x86_64") {
    Simulation other = base;
    TRY(const Platform old, platformNamed("lambda2020"));
    other.platform = old;
    if (other.file_system.elastic) other.file_system = FileSystem::of2020();
    TRY_VOID(then("rules, prices of 2020:", trace, other));
  }
  Simulation brief = base;
  brief.platform.keep_alive = scheduling::KeepAlive::fixed(Seconds(60));
  TRY_VOID(then("idle kept for 60 s:", trace, brief));
  return o.json ? jsonOf(answer, o.p95_limit_ms) : tableOf(answer, o.p95_limit_ms);
}

}  // namespace lectern::plan
