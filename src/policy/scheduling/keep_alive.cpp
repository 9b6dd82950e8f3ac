#include "policy/scheduling/keep_alive.h"

#include <algorithm>
#include <cmath>

namespace lectern::scheduling {

using std::chrono::minutes;

KeepAlive KeepAlive::fixed(Nanos idle) { return {Kind::kFixed, idle, Nanos(0), Nanos(0), Nanos(0)}; }

KeepAlive KeepAlive::lambda2020() { return {Kind::kLambda, Seconds(1200), Seconds(640), minutes(100), minutes(122)}; }

KeepAlive KeepAlive::lambdaToday() { return {Kind::kLambda, Seconds(600), Seconds(360), minutes(100), minutes(122)}; }

KeepAlive KeepAlive::hybridHistogram() { return {Kind::kHistogram, minutes(10), Nanos(0), Nanos(0), Nanos(0)}; }

void IdleHistogram::add(Nanos idle_time) {
  const auto bin = std::chrono::duration_cast<minutes>(std::max(idle_time, Nanos(0))).count();
  if (bin >= kBins) {
    ++beyond_;
    return;
  }
  uint32_t& count = bins_[static_cast<size_t>(bin)];
  squares_ += 2 * uint64_t{count} + 1;
  ++count;
  ++inside_;
}

std::optional<IdleHistogram::Window> IdleHistogram::window() const {
  if (inside_ < 10 || beyond_ > inside_) return std::nullopt;
  const double mean = static_cast<double>(inside_) / kBins;
  const double variance = static_cast<double>(squares_) / kBins - mean * mean;
  if (std::sqrt(std::max(variance, 0.0)) < 2 * mean) return std::nullopt;
  const auto percentile = [this](double share) {
    const auto wanted = static_cast<uint64_t>(std::ceil(share * static_cast<double>(inside_)));
    uint64_t seen = 0;
    for (int bin = 0; bin < kBins; ++bin) {
      seen += bins_[static_cast<size_t>(bin)];
      if (seen >= wanted) return bin;
    }
    return kBins - 1;
  };
  // The lower edge of the low bin and the upper edge of the high one, so that the window never cuts into either.
  const Nanos low = minutes(percentile(0.05));
  const Nanos high = minutes(percentile(0.99) + 1);
  Window window{low * 9 / 10, high * 11 / 10};
  if (window.prewarm < minutes(1)) window.prewarm = Nanos(0);
  return window;
}

}  // namespace lectern::scheduling
