#pragma once
// An exhaustive search over a grid with common random numbers: all choices see the same arrivals and the same seed.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "plan/simulate/simulator.h"

namespace lectern::plan {

struct Choice {
  std::string machine;  // "" for functions
  int machines = 0;
  int memory_mb = 0;
  int batch = 1;
  int provisioned = 0;
  double p50_ms = 0, p95_ms = 0, p99_ms = 0;
  Estimate cost_usd;
  double cold_share = 0;  // of calls
  double lost_share = 0;  // requests throttled
  bool pareto = false;    // no other is both faster (p95) and cheaper

  std::string name() const;
};

struct Grid {
  std::vector<int> memories = {512, 1024, 1769, 3008};
  std::vector<int> batches = {1, 4, 16};
  std::vector<int> provisioned = {0};
  std::vector<std::pair<std::string, int>> machines;  // type and how many
  double batch_wait_ms = 200;
};

/// Time of a call with `batch` items at a memory size.
using CallTime = std::function<double(int memory_mb, int batch)>;

/// Simulates every choice; `base` gives platform, start and seed. Choices that lose requests are kept, marked.
Result<std::vector<Choice>> explore(const Trace& trace, const Simulation& base, const Grid& grid,
                                    const CallTime& call_time);

/// The cheapest choice whose p95 is within the limit and which loses nothing; nullptr when there is none. A limit of zero
/// asks for the cheapest at all.
const Choice* cheapestWithin(const std::vector<Choice>& choices, double p95_limit_ms);

}  // namespace lectern::plan
