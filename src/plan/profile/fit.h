#pragma once
// Time against memory and batch size. The model is linear in up to six features of the CPU share c = memory / vcpu_mb:
//   1, k                           waiting that memory does not change (network, disk), once and for each item
//   1/min(1,c), k/min(1,c)         work of one thread
//   1/min(c,cores), k/min(c,cores) work that uses all threads
// with coefficients not below zero. Which features are used is decided by the corrected Akaike criterion.

#include <array>
#include <utility>
#include <vector>

#include "plan/profile/profile.h"

namespace lectern::plan {

struct Fit {
  static constexpr int kFeatures = 6;
  std::array<double, kFeatures> coefficients{};
  int vcpu_mb = 1769;
  int cores = 2;
  // The batch size of all samples when there is but one, else 0. Such samples do not say what a further item takes; every
  // item is then taken to need as much as each of these did.
  int only_batch = 0;
  double scatter = 0;           // coefficient of variation of calls at one size, median over sizes
  double error = 0;             // mean |fit / median - 1| over the sizes it was made from
  double left_out_error = 0;    // the same over sizes left out, each predicted from the others; below zero: too few
  std::vector<std::array<double, kFeatures>> resampled;  // coefficients of bootstrap refits

  double predict(double memory_mb, double batch) const;
  /// 95 % band of the prediction.
  std::pair<double, double> band(double memory_mb, double batch) const;
};

/// Fits warm samples. kInvalid with fewer than two memory sizes.
Result<Fit> fitProfile(const Profile& profile, int bootstrap = 200, uint64_t seed = 1);

}  // namespace lectern::plan
