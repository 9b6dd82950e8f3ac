#pragma once
// `lectern plan`: what to deploy for a workload and an objective, and why.

#include <string>
#include <vector>

#include "base/result.h"
#include "plan/simulate.h"

namespace lectern::plan {

struct PlanOptions {
  SimulateOptions workload;   // trace or arrivals, policy, start, seed; service_ms is one thread's time of an item
  double p95_limit_ms = 0;    // 0: no limit
  std::vector<int> memories = {512, 1024, 1769, 3008};
  std::vector<int> batches = {1, 4, 16};
  std::vector<int> provisioned = {0};
  std::vector<std::string> machines;  // "c7g.large" or "3xc7g.large"
  double batch_wait_ms = 200;
  bool json = false;
};

/// The cheapest choice within the limit, the Pareto set, and how the answer moves with load, prices and keep-alive.
Result<std::string> planReport(const PlanOptions& options);

}  // namespace lectern::plan
