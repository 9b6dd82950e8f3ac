#include "plan/simulate/vm_fleet.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <memory>

#include "plan/simulate/fluid_server.h"

namespace lectern::plan {

namespace {

/// One machine: its threads share its cores; credits run down while it works above what it earns.
class Vm {
 public:
  Vm(const Machine& machine, bool unlimited, int64_t ready)
      : machine_(machine),
        unlimited_(unlimited),
        credits_(machine.launch_credits),
        ready_(ready),
        server_([this](size_t n) { return capacity(n) / static_cast<double>(n); }) {}
  Vm(const Vm&) = delete;
  Vm& operator=(const Vm&) = delete;

  int64_t readyAt() const { return ready_; }
  bool accepts(int64_t now) const {
    return now >= ready_ && server_.flows() < static_cast<size_t>(machine_.threads);
  }
  size_t busy() const { return server_.flows(); }
  double surplusVcpuSeconds() const { return surplus_; }

  void add(int64_t now, double work_s, uint32_t request) {
    moveTo(now);
    server_.add(now, work_s, request);
  }
  /// The next moment at which a request ends or the credits do.
  int64_t next() const {
    const int64_t done = server_.next();
    const double drain = drainPerSecond();
    if (!limited() || throttled_ || drain <= 0) return done;
    const double seconds = credits_ / drain;
    if (seconds > 1e8) return done;
    return std::min(done, updated_ + static_cast<int64_t>(seconds * 1e9) + 1);
  }
  /// At next(): true and the request that ended, or false when only the speed changed.
  bool step(int64_t now, uint32_t& request) {
    const bool ended = server_.next() <= now;
    moveTo(now);
    if (ended) request = server_.take(now);
    if (limited()) throttled_ = credits_ <= 1e-9;
    return ended;
  }

 private:
  bool limited() const { return machine_.credits_per_hour > 0 && !unlimited_; }
  double capacity(size_t n) const {
    const auto threads = static_cast<double>(std::min<size_t>(n, static_cast<size_t>(machine_.threads)));
    const double first = std::min(threads, static_cast<double>(machine_.cores));
    const double full = first + machine_.smt_gain * (threads - first);
    // Credits count busy threads, whatever these achieve.
    return throttled_ ? full * std::min(1.0, machine_.credits_per_hour / 60 / threads) : full;
  }
  double usedVcpus() const {
    const double threads = std::min(static_cast<double>(server_.flows()), static_cast<double>(machine_.threads));
    return throttled_ ? std::min(threads, machine_.credits_per_hour / 60) : threads;
  }
  /// Credits lost a second.
  double drainPerSecond() const { return usedVcpus() / 60 - machine_.credits_per_hour / 3600; }
  void moveTo(int64_t now) {
    const double seconds = static_cast<double>(now - updated_) / 1e9;
    server_.moveTo(now);
    if (machine_.credits_per_hour > 0) {
      const double left = credits_ - drainPerSecond() * seconds;
      if (unlimited_ && left < 0) surplus_ += -left * 60;
      credits_ = std::clamp(left, 0.0, machine_.credit_cap);
    }
    updated_ = now;
  }

  Machine machine_;
  bool unlimited_;
  bool throttled_ = false;
  double credits_;
  double surplus_ = 0;
  int64_t updated_ = 0;
  int64_t ready_;
  FluidServer server_;
};

struct FleetRun {
  const Trace& trace;
  const Service& service;
  const Fleet& fleet;
  Random random;
  std::vector<std::unique_ptr<Vm>> vms;
  std::deque<uint32_t> queue;
  std::vector<float> latencies;
  int64_t end = 0;
  double busy_seconds = 0;

  double workSeconds(uint32_t request) {
    const float known = trace.arrivals[request].work_ms;
    double ms = service.mean_ms;
    if (service.kind == Service::Kind::kTrace && known >= 0) ms = known;
    if (service.kind == Service::Kind::kExponential) ms = random.exponential(service.mean_ms);
    if (service.kind == Service::Kind::kLognormal) ms = random.lognormal(service.mean_ms, service.cv);
    if (service.kind == Service::Kind::kSamples) ms = service.samples[random.below(service.samples.size())];
    return ms / 1000;
  }

  void assign(int64_t now) {
    while (!queue.empty()) {
      Vm* least = nullptr;
      for (const auto& vm : vms) {
        if (vm->accepts(now) && (least == nullptr || vm->busy() < least->busy())) least = vm.get();
      }
      if (least == nullptr) return;
      least->add(now, workSeconds(queue.front()), queue.front());
      queue.pop_front();
    }
  }

  void run() {
    uint32_t next_arrival = 0;
    for (;;) {
      int64_t now = next_arrival < trace.arrivals.size() ? trace.arrivals[next_arrival].t_nanos : FluidServer::kNone;
      Vm* which = nullptr;
      bool boot = false;
      for (const auto& vm : vms) {
        if (!queue.empty() && vm->readyAt() > end && vm->readyAt() < now) {
          now = vm->readyAt();
          which = nullptr;
          boot = true;
        }
        if (vm->next() < now) {
          now = vm->next();
          which = vm.get();
          boot = false;
        }
      }
      if (now == FluidServer::kNone) return;
      end = std::max(end, now);
      if (which != nullptr) {
        uint32_t request = 0;
        if (which->step(now, request)) {
          const double nanos = static_cast<double>(now - trace.arrivals[request].t_nanos);
          latencies.push_back(static_cast<float>(nanos / 1e6));
        }
      } else if (!boot) {
        queue.push_back(next_arrival++);
      }
      assign(now);
    }
  }
};

}  // namespace

Result<Machine> machineNamed(std::string_view type) {
  struct Known {
    std::string_view type;
    int threads, cores;
    double credits_per_hour;
  };
  constexpr std::array kKnown = {
      Known{"t2.large", 2, 1, 36},     Known{"t2.xlarge", 4, 2, 54},    Known{"t2.2xlarge", 8, 4, 81.6},
      Known{"m5d.12xlarge", 48, 24, 0}, Known{"onprem24", 48, 24, 0},   Known{"c5.large", 2, 1, 0},
      Known{"c5.xlarge", 4, 2, 0},     Known{"c5.2xlarge", 8, 4, 0},    Known{"c5.4xlarge", 16, 8, 0},
      Known{"c5.9xlarge", 36, 18, 0},  Known{"c5.12xlarge", 48, 24, 0}, Known{"c6i.large", 2, 1, 0},
      Known{"c6i.xlarge", 4, 2, 0},    Known{"c6i.2xlarge", 8, 4, 0},   Known{"c6i.4xlarge", 16, 8, 0},
      Known{"c6i.8xlarge", 32, 16, 0}, Known{"m5.large", 2, 1, 0},      Known{"m5.xlarge", 4, 2, 0},
      // Graviton has a core for each vCPU.
      Known{"c7g.medium", 1, 1, 0},    Known{"c7g.large", 2, 2, 0},     Known{"c7g.xlarge", 4, 4, 0},
      Known{"c7g.2xlarge", 8, 8, 0},   Known{"c7g.4xlarge", 16, 16, 0}, Known{"c7g.8xlarge", 32, 32, 0},
  };
  for (const Known& each : kKnown) {
    if (each.type != type) continue;
    Machine machine;
    if (type != "onprem24") machine.type = std::string(type);
    machine.threads = each.threads;
    machine.cores = each.cores;
    machine.credits_per_hour = each.credits_per_hour;
    if (each.credits_per_hour > 0) {
      machine.launch_credits = 30.0 * each.threads;
      machine.credit_cap = 24 * each.credits_per_hour + machine.launch_credits;
    }
    return machine;
  }
  std::string known;
  for (const Known& each : kKnown) known += fmt::format("{}{}", known.empty() ? "" : ", ", each.type);
  return fail(Code::kNotFound, fmt::format("unknown machine \"{}\"; known are {}", type, known));
}

Result<Outcome> simulateFleet(const Trace& trace, const Service& service, const Fleet& fleet, uint64_t seed) {
  if (fleet.count < 1 || fleet.count > 10'000) return fail(Code::kInvalid, "a fleet has 1 to 10000 machines");
  FleetRun run{trace, service, fleet, Random(seed), {}, {}, {}, 0, 0};
  for (int n = 0; n < fleet.count; ++n) {
    const double boot = fleet.warm ? 0 : run.random.lognormal(fleet.boot_s, fleet.boot_cv) + fleet.load_s;
    run.vms.push_back(std::make_unique<Vm>(fleet.machine, fleet.unlimited, static_cast<int64_t>(boot * 1e9)));
  }
  run.run();
  Outcome outcome;
  outcome.requests = static_cast<int64_t>(trace.arrivals.size());
  outcome.runs = 1;
  outcome.latencies_ms = std::move(run.latencies);
  outcome.mean_ms = {meanOfSamples(outcome.latencies_ms), 0, 0};
  outcome.p50_ms = percentile(outcome.latencies_ms, 0.50);
  outcome.p95_ms = percentile(outcome.latencies_ms, 0.95);
  outcome.p99_ms = percentile(outcome.latencies_ms, 0.99);
  outcome.max_ms = percentile(outcome.latencies_ms, 1.0);
  const double up_s = std::max(fleet.least_up_s, static_cast<double>(run.end) / 1e9);
  outcome.makespan_s = {static_cast<double>(run.end) / 1e9, 0, 0};
  if (!fleet.machine.type.empty()) {
    TRY(const PriceBook book, loadBook(fleet.book));
    Bill bill(book);
    const auto millis = static_cast<int64_t>(std::ceil(std::max(up_s, 60.0)) * 1000);
    TRY(const Money list, bill.charge("ec2." + fleet.machine.type, hoursOfMillis(Int128{millis} * fleet.count),
                                      fmt::format("{} machines x {} s", fleet.count, millis / 1000)));
    (void)list;
    double surplus = 0;
    for (const auto& vm : run.vms) surplus += vm->surplusVcpuSeconds() / 3600;
    if (surplus > 0) {
      TRY(const Money more, bill.charge("ec2.t2.unlimited", quantityOf(surplus), "above the T2 baseline"));
      (void)more;
    }
    outcome.cost_usd = {bill.total().usd(), 0, 0};
    outcome.bill = bill.lines();
  }
  return outcome;
}

}  // namespace lectern::plan
