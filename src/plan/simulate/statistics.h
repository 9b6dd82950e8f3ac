#pragma once
// Percentiles and means that say how sure they are.

#include <cstdint>
#include <vector>

namespace lectern::plan {

struct Estimate {
  double value = 0;
  double low = 0, high = 0;  // 95 % confidence
};

/// A percentile (share in 0..1) of the samples with the interval of order statistics; samples are taken as independent.
/// Reorders the samples. Zero without samples.
Estimate percentile(std::vector<float>& samples, double share);

/// Mean of independent runs with the t interval.
Estimate meanOf(const std::vector<double>& runs);

double meanOfSamples(const std::vector<float>& samples);

}  // namespace lectern::plan
