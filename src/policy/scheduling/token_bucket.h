#pragma once
// A token bucket in whole nanoseconds: exact, so that real and virtual time decide the same.

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace lectern::scheduling {

/// Holds at most `capacity` tokens and gains `tokens` of them every `period`, continuously; starts full.
class TokenBucket {
 public:
  TokenBucket() = default;
  TokenBucket(int64_t capacity, int64_t tokens, Nanos period)
      : capacity_(capacity), interval_(tokens > 0 ? std::max<int64_t>(1, period.count() / tokens) : 0) {}

  bool unlimited() const { return capacity_ == 0; }

  bool available(SteadyTime now) const { return unlimited() || !started_ || empty_at_ <= now.nanos - interval_; }

  /// Takes one token when there is one.
  bool take(SteadyTime now) {
    if (unlimited()) return true;
    if (!available(now)) return false;
    // `empty_at_` is the moment from which the present tokens have been gained; a full bucket gains no more.
    const int64_t full_since = now.nanos - capacity_ * interval_;
    if (!started_ || empty_at_ < full_since) empty_at_ = full_since;
    started_ = true;
    empty_at_ += interval_;
    return true;
  }

  /// When the next take can succeed; not before `now`.
  SteadyTime nextAt(SteadyTime now) const {
    return available(now) ? now : SteadyTime{empty_at_ + interval_};
  }

 private:
  int64_t capacity_ = 0;  // 0: no limit
  int64_t interval_ = 0;  // nanoseconds a token
  int64_t empty_at_ = 0;
  bool started_ = false;
};

}  // namespace lectern::scheduling
