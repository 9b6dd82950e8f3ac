#include "plan/simulate/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace lectern::plan {

namespace {

double ranked(std::vector<float>& samples, double rank) {
  const auto at = static_cast<std::ptrdiff_t>(std::clamp(rank, 0.0, static_cast<double>(samples.size() - 1)));
  std::nth_element(samples.begin(), samples.begin() + at, samples.end());
  return samples[static_cast<size_t>(at)];
}

/// 97.5 % quantile of Student's t.
double studentT(size_t freedom) {
  constexpr std::array kTable = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                 2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086};
  if (freedom == 0) return 0;
  return freedom <= kTable.size() ? kTable[freedom - 1] : 1.96 + 2.5 / static_cast<double>(freedom);
}

}  // namespace

Estimate percentile(std::vector<float>& samples, double share) {
  if (samples.empty()) return {};
  const auto n = static_cast<double>(samples.size());
  const double spread = 1.96 * std::sqrt(n * share * (1 - share));
  Estimate e;
  e.value = ranked(samples, std::ceil(n * share) - 1);
  e.low = ranked(samples, std::floor(n * share - spread) - 1);
  e.high = ranked(samples, std::ceil(n * share + spread));
  return e;
}

Estimate meanOf(const std::vector<double>& runs) {
  if (runs.empty()) return {};
  const auto n = static_cast<double>(runs.size());
  const double mean = std::accumulate(runs.begin(), runs.end(), 0.0) / n;
  double squares = 0;
  for (const double run : runs) squares += (run - mean) * (run - mean);
  const double half =
      runs.size() < 2 ? 0 : studentT(runs.size() - 1) * std::sqrt(squares / (n - 1) / n);
  return {mean, mean - half, mean + half};
}

double meanOfSamples(const std::vector<float>& samples) {
  if (samples.empty()) return 0;
  return std::accumulate(samples.begin(), samples.end(), 0.0) / static_cast<double>(samples.size());
}

}  // namespace lectern::plan
