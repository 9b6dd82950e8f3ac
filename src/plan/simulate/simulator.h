#pragma once
// Functions under a workload, in virtual time: the engine's own policy/scheduling places, scales and throttles, its own
// policy/metering bills. Everything drawn by chance comes from one seed.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plan/prices/bill.h"
#include "plan/simulate/statistics.h"
#include "plan/workload/arrivals.h"
#include "plan/workload/trace.h"
#include "policy/metering/metering.h"
#include "policy/scheduling/scheduler.h"

namespace lectern::plan {

/// How long a call works in a warm instance.
struct Service {
  enum class Kind : uint8_t { kTrace, kConstant, kExponential, kLognormal, kSamples };
  Kind kind = Kind::kConstant;
  double mean_ms = 100;      // of a call with one item; kTrace: where the trace says nothing and there are no samples
  double cv = 0;             // kLognormal
  double per_item_ms = 0;    // of each item of a batch beyond the first
  std::vector<float> samples;
  double instance_cv = 0;    // instances differ in speed by this (lognormal): drawn for an instance, not a call
};

/// What a new instance costs in time.
struct Start {
  double preinit_ms = 0;     // placement, code, sandbox: before any clock, never billed
  double preinit_cv = 0;
  std::vector<float> preinit_samples;  // drawn from these instead when there are any
  // The function's own init: billed as the rules of the date say. One that takes more than Lambda's 10 s, the model's
  // read included, is stopped and done again in the first call, without the boost and billed as that call's duration.
  double init_ms = 0;
  double init_cv = 0;
  double first_call_ms = 0;  // what the first call takes longer
  double model_mib = 0;      // read from the shared file system ...
  bool load_in_handler = false;  // ... by the first call rather than in init
};

struct FileSystem {
  double client_mib_s = 500;  // one instance at most
  double total_mib_s = 100;   // all together
  bool elastic = false;       // reads are paid by the GB
  /// Elastic throughput, today's usual mode.
  static FileSystem ofToday() { return {1500, 20'480, true}; }
  /// Bursting throughput: 100 MiB/s with reads counted a third.
  static FileSystem of2020() { return {500, 300, false}; }
};

/// A platform: limits, life cycle, billing rules, prices.
struct Platform {
  std::string name;
  scheduling::AccountLimits account;
  scheduling::KeepAlive keep_alive;
  metering::Date date;
  metering::Packaging packaging = metering::Packaging::kManagedZip;
  std::string book;
};

/// "lambda2020", "lambda2026", "fixed:SECONDS" (Lambda's limits of today, one idle time), "histogram".
Result<Platform> platformNamed(std::string_view name);

struct Simulation {
  Platform platform;
  Service service;
  Start start;
  FileSystem file_system;
  int memory_mb = 128;
  std::string arch = "x86_64";
  int provisioned = 0;
  std::optional<int> reserved;
  Nanos timeout{0};
  size_t queue_limit = 0;
  Nanos queue_wait{0};
  double overhead_ms = 0;                // between client and function, each call
  std::vector<float> overhead_samples;   // drawn from these instead when there are any
  uint32_t batch = 1;                    // requests a call
  Nanos batch_wait{0};
  uint64_t seed = 1;
  int runs = 0;  // 0: enough for steady counts (short traces), one for long ones
};

struct Outcome {
  int64_t requests = 0;   // items that arrived, one run
  int runs = 0;
  Estimate calls;         // calls of the function, a run (requests when nothing is batched)
  Estimate cold_starts;   // calls that waited for a start
  Estimate throttles;
  Estimate timeouts;
  Estimate starts;        // environments started
  Estimate init_restarts; // of which init passed its limit
  Estimate mean_ms, p50_ms, p95_ms, p99_ms, max_ms;  // of answered requests, arrival to answer
  Estimate peak_concurrency;
  Estimate mean_instances;  // alive, over the time of the run
  Estimate mean_busy;
  Estimate billed_ms;       // all calls of a run
  Estimate billed_init_ms;  // of which init
  Estimate cost_usd;
  Estimate makespan_s;      // first arrival to last answer
  std::vector<BillLine> bill;  // of the first run
  double wall_s = 0;           // real time a run took
  std::vector<float> latencies_ms;  // pooled over runs, in no order
};

/// Runs the workload. kInvalid when the price book lacks what is needed.
Result<Outcome> simulate(const Trace& trace, const Simulation& simulation);

/// Fills service, start and overhead from what a recorded run says of itself (its cold starts are not looked at).
void adoptRecorded(const Recorded& recorded, Simulation& simulation);

}  // namespace lectern::plan
