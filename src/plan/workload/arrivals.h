#pragma once
// Workloads that are made rather than recorded, and batches.

#include <cstdint>
#include <vector>

#include "base/units.h"
#include "plan/workload/random.h"
#include "plan/workload/trace.h"

namespace lectern::plan {

/// Poisson arrivals at `rate` a second for `seconds`.
Trace poissonTrace(double rate, double seconds, Random random);

/// `size` requests at once, `times` times, one every `interval`.
Trace burstTrace(int64_t size, int64_t times, Nanos interval);

/// Poisson arrivals whose rate switches between two values after exponential stays (two-phase MMPP).
Trace burstyTrace(double low_rate, double high_rate, double mean_low_s, double mean_high_s, double seconds,
                  Random random);

/// Several requests that are served in one call.
struct Batch {
  int64_t t_nanos = 0;  // when it is sent
  uint32_t first = 0;   // arrivals [first, first + count) of its function's order
  uint32_t count = 0;
};

/// Closes a batch at `most` requests or `wait` after its first one, whichever is sooner; in order of sending. All
/// arrivals are taken as of one function.
std::vector<Batch> batchArrivals(const std::vector<Arrival>& arrivals, uint32_t most, Nanos wait);

}  // namespace lectern::plan
