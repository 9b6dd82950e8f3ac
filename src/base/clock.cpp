#include "base/clock.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>

namespace lectern {

SteadyTime RealClock::now() const {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return {int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec};
}

WallTime RealClock::wall() const {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  return {int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000};
}

uint64_t VirtualClock::at(SteadyTime when, std::function<void()> callback) {
  const uint64_t id = next_id_++;
  when = std::max(when, now_);
  timers_.emplace(std::pair{when, id}, std::move(callback));
  when_.emplace(id, when);
  return id;
}

void VirtualClock::cancel(uint64_t id) {
  auto it = when_.find(id);
  if (it == when_.end()) return;
  timers_.erase({it->second, id});
  when_.erase(it);
}

bool VirtualClock::step() {
  if (timers_.empty()) return false;
  auto it = timers_.begin();
  now_ = std::max(now_, it->first.first);
  auto callback = std::move(it->second);
  when_.erase(it->first.second);
  timers_.erase(it);
  callback();
  return true;
}

void VirtualClock::advanceTo(SteadyTime when) {
  while (!timers_.empty() && timers_.begin()->first.first <= when) step();
  now_ = std::max(now_, when);
}

std::string formatIso(WallTime time) {
  const time_t seconds = time.epoch_millis / 1000;
  tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, time.epoch_millis % 1000);
}

}  // namespace lectern
