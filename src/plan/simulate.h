#pragma once
// `lectern simulate`: a workload on functions or machines, in virtual time.

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace lectern::plan {

struct SimulateOptions {
  // The workload: a trace, or Poisson arrivals, or bursts.
  std::filesystem::path trace;
  double poisson_rate = 0;  // a second
  double seconds = 3600;
  int64_t burst = 0;        // requests at once
  double every_s = 900;     // one burst each
  // The platform.
  std::string policy = "lambda2026";
  std::string book;         // empty: the policy's own
  std::string arch = "x86_64";
  int memory_mb = 128;
  int provisioned = 0;
  int reserved = -1;        // below zero: none
  int account_concurrency = 1000;
  double timeout_s = 0;     // 0: none
  // The function. Below zero: from the trace, else a default.
  std::string profile;      // PROFILE.json of `lectern profile`
  double service_ms = -1;
  double service_cv = 0.05;
  double per_item_ms = 0;
  double preinit_ms = -1;
  double init_ms = 0;
  double model_mib = 0;
  bool load_in_handler = false;
  // Below zero: elastic throughput, paid by the GB read, under the rules of today; bursting under those of 2020.
  double efs_client_mib_s = -1;
  double efs_total_mib_s = -1;
  uint32_t batch = 1;
  double batch_wait_ms = 0;
  // Virtual machines instead of functions.
  std::string machine;
  int machines = 1;
  bool unlimited = false;   // T2
  uint64_t seed = 1;
  int runs = 0;
  bool json = false;
};

/// JSON: {"invocations","cold_starts","throttles","p50_ms","p95_ms","p99_ms","cost_usd","wall_s",...}; else a table.
Result<std::string> simulateReport(const SimulateOptions& options);

}  // namespace lectern::plan
