#pragma once
// How long instances without work are kept.

#include <array>
#include <cstdint>
#include <optional>

#include "base/units.h"

namespace lectern::scheduling {

/// Rules by which instances without work go. A zero duration switches its rule off.
struct KeepAlive {
  enum class Kind : uint8_t { kFixed, kLambda, kHistogram };
  Kind kind = Kind::kFixed;
  Nanos idle = std::chrono::minutes(10);  // an instance without work for this long goes
  Nanos function_idle{0};                 // all go when no instance of the version has worked for this long
  Nanos min_lifetime{0};                  // an instance's greatest age is drawn evenly between these two
  Nanos max_lifetime{0};

  bool operator==(const KeepAlive&) const = default;

  /// One idle time for all, as most simulators and local engines have it.
  static KeepAlive fixed(Nanos idle);
  /// AWS Lambda of 2020 as measured on recorded runs: the whole function after 640 s, one instance after 1200 s while
  /// others work, greatest age 100 to 122 minutes.
  static KeepAlive lambda2020();
  /// AWS Lambda of later years: 5 to 7 minutes are reported; not verified by recorded runs of ours.
  static KeepAlive lambdaToday();
  /// Pre-warming and keep-alive from a histogram of the version's own idle times (Shahrad et al., USENIX ATC 2020).
  static KeepAlive hybridHistogram();
};

/// Idle times of one version in bins of a minute, up to four hours.
class IdleHistogram {
 public:
  static constexpr int kBins = 240;

  void add(Nanos idle_time);

  struct Window {
    Nanos prewarm{0};  // start an instance this long after the work ended; zero: keep the present one
    Nanos keep{0};     // drop it this long after the work ended
  };
  /// The 5th percentile less 10 % and the 99th plus 10 %; nothing while the histogram does not represent the load (fewer
  /// than ten idle times, most of them beyond four hours, or bin counts that vary too little: coefficient below 2).
  std::optional<Window> window() const;

 private:
  std::array<uint32_t, kBins> bins_{};
  uint64_t inside_ = 0;
  uint64_t beyond_ = 0;
  uint64_t squares_ = 0;  // sum of the squared bin counts
};

}  // namespace lectern::scheduling
