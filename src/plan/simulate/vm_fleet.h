#pragma once
// The same workload on virtual machines: workers on hardware threads, one queue, boot time, T2 credits.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plan/simulate/simulator.h"

namespace lectern::plan {

struct Machine {
  std::string type;       // as in the price book; "" is a machine of one's own
  int threads = 2;        // vCPUs
  int cores = 1;          // physical
  double smt_gain = 0.3;  // what a core's second thread adds, as a share of the first
  // T2: credits are vCPU-minutes. Zero earning: no credits, full speed always.
  double credits_per_hour = 0;
  double launch_credits = 0;
  double credit_cap = 0;
};

/// t2.large, t2.xlarge, t2.2xlarge, m5d.12xlarge, c5.* and so on, and "onprem24" (24 cores, two threads each).
Result<Machine> machineNamed(std::string_view type);

struct Fleet {
  Machine machine;
  int count = 1;
  bool warm = true;         // up since before the first request, and its time before is not counted
  double boot_s = 25;       // else: launch to first worker, lognormal
  double boot_cv = 0.2;
  double load_s = 0;        // model load after boot, once a machine
  double least_up_s = 0;    // a machine is paid at least this long
  bool unlimited = false;   // T2: never throttled, surplus is paid
  std::string book = "aws-2020";
};

/// Each request takes `service` (of one undisturbed hardware thread). Latency is arrival to completion.
Result<Outcome> simulateFleet(const Trace& trace, const Service& service, const Fleet& fleet, uint64_t seed);

}  // namespace lectern::plan
