#pragma once
// A small seeded generator and the few distributions the planner draws from; the same on every machine.

#include <cmath>
#include <cstdint>
#include <numbers>

namespace lectern::plan {

/// SplitMix64 (Steele, Lea, Flood 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  uint64_t below(uint64_t n) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<uint64_t>(Wide{next()} * n >> 64);
  }
  double exponential(double mean) { return -mean * std::log1p(-uniform()); }
  double normal() {
    // Box and Muller; one of the pair is dropped, so that a draw depends on nothing before it.
    const double radius = std::sqrt(-2 * std::log1p(-uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }
  /// With this mean and coefficient of variation.
  double lognormal(double mean, double cv) {
    if (cv <= 0) return mean;
    const double variance = std::log1p(cv * cv);
    return mean * std::exp(std::sqrt(variance) * normal() - variance / 2);
  }
  /// A generator for run `n` of an experiment, independent of this one's other uses.
  static Random forRun(uint64_t seed, uint64_t n) { return Random(Random(seed + 0x632be59bd9b4e019 * (n + 1)).next()); }

 private:
  uint64_t state_;
};

}  // namespace lectern::plan
