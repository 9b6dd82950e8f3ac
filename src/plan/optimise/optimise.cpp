#include "plan/optimise/optimise.h"

#include <fmt/core.h>

#include <algorithm>

#include "plan/simulate/vm_fleet.h"

namespace lectern::plan {

namespace {

Result<Choice> tryFunctions(const Trace& trace, const Simulation& base, Choice choice, double wait_ms,
                            const CallTime& call_time) {
  Simulation sim = base;
  sim.memory_mb = choice.memory_mb;
  sim.batch = static_cast<uint32_t>(choice.batch);
  sim.batch_wait = Nanos(static_cast<int64_t>(wait_ms * 1e6));
  sim.provisioned = choice.provisioned;
  sim.service.kind = sim.service.cv > 0 ? Service::Kind::kLognormal : Service::Kind::kConstant;
  sim.service.mean_ms = call_time(choice.memory_mb, 1);
  if (choice.batch > 1) {
    sim.service.per_item_ms =
        (call_time(choice.memory_mb, choice.batch) - sim.service.mean_ms) / (choice.batch - 1);
  }
  TRY(const Outcome out, simulate(trace, sim));
  choice.p50_ms = out.p50_ms.value;
  choice.p95_ms = out.p95_ms.value;
  choice.p99_ms = out.p99_ms.value;
  choice.cost_usd = out.cost_usd;
  choice.cold_share = out.cold_starts.value / std::max(1.0, out.calls.value);
  choice.lost_share = (out.throttles.value + out.timeouts.value) / std::max(1.0, out.calls.value);
  return choice;
}

Result<Choice> tryMachines(const Trace& trace, const Simulation& base, Choice choice, const CallTime& call_time) {
  Fleet fleet;
  TRY(fleet.machine, machineNamed(choice.machine));
  fleet.count = choice.machines;
  fleet.book = base.platform.book;
  fleet.least_up_s = trace.seconds();
  Service service;
  service.kind = base.service.cv > 0 ? Service::Kind::kLognormal : Service::Kind::kConstant;
  service.cv = base.service.cv;
  service.mean_ms = call_time(1769, 1);
  TRY(const Outcome out, simulateFleet(trace, service, fleet, base.seed));
  choice.p50_ms = out.p50_ms.value;
  choice.p95_ms = out.p95_ms.value;
  choice.p99_ms = out.p99_ms.value;
  choice.cost_usd = out.cost_usd;
  return choice;
}

}  // namespace

std::string Choice::name() const {
  if (!machine.empty()) return fmt::format("{} x {}", machines, machine);
  std::string text = fmt::format("{} MB", memory_mb);
  if (batch > 1) text += fmt::format(", batch {}", batch);
  if (provisioned > 0) text += fmt::format(", {} provisioned", provisioned);
  return text;
}

Result<std::vector<Choice>> explore(const Trace& trace, const Simulation& base, const Grid& grid,
                                    const CallTime& call_time) {
  std::vector<Choice> choices;
  for (const int memory : grid.memories) {
    for (const int batch : grid.batches) {
      for (const int provisioned : grid.provisioned) {
        Choice choice;
        choice.memory_mb = memory;
        choice.batch = batch;
        choice.provisioned = provisioned;
        TRY(choice, tryFunctions(trace, base, choice, grid.batch_wait_ms, call_time));
        choices.push_back(choice);
      }
    }
  }
  for (const auto& [machine, count] : grid.machines) {
    Choice choice;
    choice.machine = machine;
    choice.machines = count;
    TRY(choice, tryMachines(trace, base, choice, call_time));
    choices.push_back(choice);
  }
  for (Choice& a : choices) {
    a.pareto = a.lost_share == 0 && std::ranges::none_of(choices, [&a](const Choice& b) {
                 return b.lost_share == 0 && b.p95_ms <= a.p95_ms && b.cost_usd.value <= a.cost_usd.value &&
                        (b.p95_ms < a.p95_ms || b.cost_usd.value < a.cost_usd.value);
               });
  }
  return choices;
}

const Choice* cheapestWithin(const std::vector<Choice>& choices, double p95_limit_ms) {
  const Choice* best = nullptr;
  for (const Choice& c : choices) {
    if (c.lost_share > 0 || (p95_limit_ms > 0 && c.p95_ms > p95_limit_ms)) continue;
    if (best == nullptr || c.cost_usd.value < best->cost_usd.value) best = &c;
  }
  return best;
}

}  // namespace lectern::plan
