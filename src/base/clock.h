#pragma once
// Time enters the program here only: logic takes a SteadyTime as an argument, so that it runs the same in real and in
// virtual time.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "base/units.h"

namespace lectern {

/// A moment of the monotonic clock, as nanoseconds since an arbitrary start.
struct SteadyTime {
  int64_t nanos = 0;
  auto operator<=>(const SteadyTime&) const = default;
  friend SteadyTime operator+(SteadyTime t, Nanos d) { return {t.nanos + d.count()}; }
  friend SteadyTime operator-(SteadyTime t, Nanos d) { return {t.nanos - d.count()}; }
  friend Nanos operator-(SteadyTime a, SteadyTime b) { return Nanos(a.nanos - b.nanos); }
};

/// A moment of the calendar, as milliseconds since 1970-01-01 UTC.
struct WallTime {
  int64_t epoch_millis = 0;
  auto operator<=>(const WallTime&) const = default;
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime now() const = 0;
  virtual WallTime wall() const = 0;
};

/// The machine's clock.
class RealClock final : public Clock {
 public:
  SteadyTime now() const override;
  WallTime wall() const override;
};

/// A clock that moves only when told, with timers that fire in order of (time, order of creation).
class VirtualClock final : public Clock {
 public:
  explicit VirtualClock(WallTime start = {1'600'000'000'000}) : wall_start_(start) {}
  SteadyTime now() const override { return now_; }
  WallTime wall() const override { return {wall_start_.epoch_millis + now_.nanos / 1'000'000}; }

  /// Runs the callback when the clock reaches `when` (at once on the next advance when it is past). Returns an id for
  /// cancel.
  uint64_t at(SteadyTime when, std::function<void()> callback);
  void cancel(uint64_t id);
  /// Moves to the next timer and runs it; false when there is none.
  bool step();
  /// Moves to `when`, running every timer on the way.
  void advanceTo(SteadyTime when);
  bool idle() const { return timers_.empty(); }

 private:
  SteadyTime now_;
  WallTime wall_start_;
  uint64_t next_id_ = 1;
  std::map<std::pair<SteadyTime, uint64_t>, std::function<void()>> timers_;
  std::map<uint64_t, SteadyTime> when_;
};

/// "2026-11-24T08:21:54.123Z".
std::string formatIso(WallTime time);

}  // namespace lectern
