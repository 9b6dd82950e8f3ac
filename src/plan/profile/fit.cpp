#include "plan/profile/fit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "plan/workload/random.h"

namespace lectern::plan {

namespace {

using Row = std::array<double, Fit::kFeatures>;

struct Group {
  int memory_mb = 0;
  int batch = 1;
  std::vector<float> samples;
  double middle = 0;  // median
};

Row features(double memory_mb, double batch, int vcpu_mb, int cores) {
  const double share = memory_mb / vcpu_mb;
  const double one = 1 / std::min(1.0, share);
  const double all = 1 / std::min(share, static_cast<double>(cores));
  return {1, batch, one, batch * one, all, batch * all};
}

double medianOf(std::vector<float> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

/// Least squares of relative errors with the features of `mask`; nothing when it is singular or a coefficient is
/// negative.
std::optional<Row> solve(const std::vector<Group>& groups, unsigned mask, int vcpu_mb, int cores) {
  std::vector<int> used;
  for (int f = 0; f < Fit::kFeatures; ++f) {
    if ((mask >> f & 1) != 0) used.push_back(f);
  }
  const size_t n = used.size();
  std::array<std::array<double, Fit::kFeatures + 1>, Fit::kFeatures> a{};
  for (const Group& g : groups) {
    const Row row = features(g.memory_mb, g.batch, vcpu_mb, cores);
    for (size_t i = 0; i < n; ++i) {
      const double xi = row[static_cast<size_t>(used[i])] / g.middle;
      for (size_t j = 0; j < n; ++j) a[i][j] += xi * row[static_cast<size_t>(used[j])] / g.middle;
      a[i][n] += xi;
    }
  }
  for (size_t i = 0; i < n; ++i) {
    size_t pivot = i;
    for (size_t r = i + 1; r < n; ++r) {
      if (std::abs(a[r][i]) > std::abs(a[pivot][i])) pivot = r;
    }
    std::swap(a[i], a[pivot]);
    double scale = 0;
    for (size_t j = i; j < n; ++j) scale = std::max(scale, std::abs(a[i][j]));
    if (std::abs(a[i][i]) < 1e-14 || std::abs(a[i][i]) < 1e-10 * scale) return std::nullopt;
    for (size_t r = 0; r < n; ++r) {
      if (r == i) continue;
      const double factor = a[r][i] / a[i][i];
      for (size_t j = i; j <= n; ++j) a[r][j] -= factor * a[i][j];
    }
  }
  Row coefficients{};
  for (size_t i = 0; i < n; ++i) {
    const double value = a[i][n] / a[i][i];
    if (!(value >= 0)) return std::nullopt;
    coefficients[static_cast<size_t>(used[i])] = value;
  }
  return coefficients;
}

double dot(const Row& coefficients, const Row& row) {
  double sum = 0;
  for (size_t f = 0; f < row.size(); ++f) sum += coefficients[f] * row[f];
  return sum;
}

/// The best set of features for the groups, by the corrected Akaike criterion of relative errors.
std::optional<Row> choose(const std::vector<Group>& groups, int vcpu_mb, int cores) {
  std::optional<Row> best;
  double least = std::numeric_limits<double>::max();
  const auto n = static_cast<double>(groups.size());
  for (unsigned mask = 1; mask < 1U << Fit::kFeatures; ++mask) {
    const auto k = static_cast<double>(__builtin_popcount(mask));
    if (k > 4 || k >= n) continue;
    const auto coefficients = solve(groups, mask, vcpu_mb, cores);
    if (!coefficients) continue;
    double squares = 0;
    for (const Group& g : groups) {
      const double off = dot(*coefficients, features(g.memory_mb, g.batch, vcpu_mb, cores)) / g.middle - 1;
      squares += off * off;
    }
    // A floor of half a per cent: below it residuals are measuring noise and no reason for another feature.
    const double residual = std::max(squares / n, 2.5e-5);
    const double correction = n - k - 1 > 0 ? 2 * k * (k + 1) / (n - k - 1) : 50 * k;
    const double criterion = n * std::log(residual) + 2 * k + correction;
    if (criterion < least) {
      least = criterion;
      best = coefficients;
    }
  }
  return best;
}

double meanError(const std::vector<Group>& groups, const Row& coefficients, int vcpu_mb, int cores) {
  double sum = 0;
  for (const Group& g : groups) {
    sum += std::abs(dot(coefficients, features(g.memory_mb, g.batch, vcpu_mb, cores)) / g.middle - 1);
  }
  return sum / static_cast<double>(groups.size());
}

/// Every memory size predicted from the others.
double leftOutError(const std::vector<Group>& groups, int vcpu_mb, int cores) {
  std::map<int, std::vector<Group>> by_memory;
  for (const Group& g : groups) by_memory[g.memory_mb].push_back(g);
  if (by_memory.size() < 3) return -1;
  double sum = 0;
  for (const auto& [memory, left_out] : by_memory) {
    std::vector<Group> rest;
    for (const Group& g : groups) {
      if (g.memory_mb != memory) rest.push_back(g);
    }
    const auto coefficients = choose(rest, vcpu_mb, cores);
    if (!coefficients) return -1;
    sum += meanError(left_out, *coefficients, vcpu_mb, cores);
  }
  return sum / static_cast<double>(by_memory.size());
}

std::vector<Group> groupsOf(const Profile& profile) {
  std::vector<Group> groups;
  for (const int memory : profile.memories()) {
    for (const int batch : profile.batches()) {
      Group g{memory, batch, profile.durations(memory, batch, false), 0};
      if (g.samples.empty()) continue;
      g.middle = std::max(1e-3, medianOf(g.samples));
      groups.push_back(std::move(g));
    }
  }
  return groups;
}

double scatterOf(const std::vector<Group>& groups) {
  std::vector<float> all;
  for (const Group& g : groups) {
    double squares = 0;
    const double mean = meanOfSamples(g.samples);
    for (const float s : g.samples) squares += (s - mean) * (s - mean);
    if (g.samples.size() > 1) {
      all.push_back(static_cast<float>(std::sqrt(squares / static_cast<double>(g.samples.size() - 1)) / mean));
    }
  }
  return all.empty() ? 0 : medianOf(all);
}

}  // namespace

double Fit::predict(double memory_mb, double batch) const {
  if (only_batch == 0) return dot(coefficients, features(memory_mb, batch, vcpu_mb, cores));
  return batch / only_batch * dot(coefficients, features(memory_mb, only_batch, vcpu_mb, cores));
}

std::pair<double, double> Fit::band(double memory_mb, double batch) const {
  std::vector<float> values;
  const Row row = features(memory_mb, only_batch == 0 ? batch : only_batch, vcpu_mb, cores);
  const double times = only_batch == 0 ? 1 : batch / only_batch;
  for (const Row& each : resampled) values.push_back(static_cast<float>(times * dot(each, row)));
  if (values.size() < 20) return {predict(memory_mb, batch), predict(memory_mb, batch)};
  std::ranges::sort(values);
  const auto at = [&values](double share) {
    return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
  };
  return {at(0.025), at(0.975)};
}

Result<Fit> fitProfile(const Profile& profile, int bootstrap, uint64_t seed) {
  std::vector<Group> groups = groupsOf(profile);
  if (profile.memories().size() < 2 || groups.size() < 2) {
    return fail(Code::kInvalid, "a fit needs warm samples at two memory sizes or more");
  }
  const auto coefficients = choose(groups, profile.vcpu_mb, profile.cores);
  if (!coefficients) return fail(Code::kInvalid, "no model fits these samples");
  Fit fit;
  fit.vcpu_mb = profile.vcpu_mb;
  fit.cores = profile.cores;
  fit.coefficients = *coefficients;
  if (const auto batches = profile.batches(); batches.size() == 1) fit.only_batch = batches.front();
  fit.scatter = scatterOf(groups);
  fit.error = meanError(groups, *coefficients, fit.vcpu_mb, fit.cores);
  fit.left_out_error = leftOutError(groups, fit.vcpu_mb, fit.cores);
  Random random(seed);
  std::vector<float> drawn;
  for (int n = 0; n < bootstrap; ++n) {
    std::vector<Group> again = groups;
    for (size_t g = 0; g < groups.size(); ++g) {
      drawn.clear();
      for (size_t s = 0; s < groups[g].samples.size(); ++s) {
        drawn.push_back(groups[g].samples[random.below(groups[g].samples.size())]);
      }
      again[g].middle = std::max(1e-3, medianOf(drawn));
    }
    if (const auto refit = choose(again, fit.vcpu_mb, fit.cores)) fit.resampled.push_back(*refit);
  }
  return fit;
}

}  // namespace lectern::plan
