#include "plan/workload/arrivals.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace lectern::plan {

Trace poissonTrace(double rate, double seconds, Random random) {
  CHECK(rate > 0 && seconds > 0);
  Trace trace;
  trace.name = "poisson";
  trace.arrivals.reserve(static_cast<size_t>(rate * seconds * 1.01) + 16);
  for (double t = random.exponential(1 / rate); t < seconds; t += random.exponential(1 / rate)) {
    trace.arrivals.push_back({static_cast<int64_t>(t * 1e9), -1, 0});
  }
  return trace;
}

Trace burstTrace(int64_t size, int64_t times, Nanos interval) {
  Trace trace;
  trace.name = "bursts";
  for (int64_t n = 0; n < times; ++n) {
    for (int64_t k = 0; k < size; ++k) trace.arrivals.push_back({n * interval.count(), -1, 0});
  }
  return trace;
}

Trace burstyTrace(double low_rate, double high_rate, double mean_low_s, double mean_high_s, double seconds,
                  Random random) {
  Trace trace;
  trace.name = "bursty";
  bool high = false;
  for (double begin = 0; begin < seconds; high = !high) {
    const double rate = high ? high_rate : low_rate;
    const double end = std::min(seconds, begin + random.exponential(high ? mean_high_s : mean_low_s));
    if (rate > 0) {
      for (double t = begin + random.exponential(1 / rate); t < end; t += random.exponential(1 / rate)) {
        trace.arrivals.push_back({static_cast<int64_t>(t * 1e9), -1, 0});
      }
    }
    begin = end;
  }
  return trace;
}

std::vector<Batch> batchArrivals(const std::vector<Arrival>& arrivals, uint32_t most, Nanos wait) {
  CHECK(most > 0);
  std::vector<Batch> batches;
  for (uint32_t n = 0; n < arrivals.size();) {
    const int64_t closes = arrivals[n].t_nanos + wait.count();
    Batch batch{closes, n, 0};
    while (n < arrivals.size() && batch.count < most && arrivals[n].t_nanos <= closes) {
      batch.t_nanos = arrivals[n].t_nanos;
      ++n;
      ++batch.count;
    }
    if (batch.count < most) batch.t_nanos = closes;
    batches.push_back(batch);
  }
  return batches;
}

}  // namespace lectern::plan
