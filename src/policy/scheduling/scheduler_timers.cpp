// What happens by itself: expiries, timeouts, queues, pre-warming, provisioned instances.

#include <algorithm>

#include "policy/scheduling/scheduler.h"

namespace lectern::scheduling {

namespace {
// With a window from the histogram in force, it alone decides while nothing works.
bool windowRules(const KeepAlive& keep, Nanos function_idle, bool quiet) {
  return keep.kind == KeepAlive::Kind::kHistogram && function_idle.count() > 0 && quiet;
}
}  // namespace

void Scheduler::drain(Version& v, SteadyTime now, Actions& out) {
  while (!v.queue.empty()) {
    const Reason reason = place(v, v.queue.front().invocation, now, out);
    if (reason != Reason::kNone) {
      v.queue.front().reason = reason;
      return;
    }
    v.queue.pop();
  }
}

void Scheduler::drainAll(SteadyTime now, Actions& out) {
  freed_ = false;
  if (waiting_.empty()) return;
  for (const uint32_t version : waiting_) {
    drain(versions_[version], now, out);
    reschedule(version, now);
  }
  std::erase_if(waiting_, [this](uint32_t version) { return versions_[version].queue.empty(); });
  freed_ = false;
}

void Scheduler::noteArrival(Version& v, SteadyTime now) {
  if (v.config.keep_alive.kind != KeepAlive::Kind::kHistogram) return;
  if (v.worked && v.busy_count + v.starting_count == 0) v.histogram.add(now - v.last_active);
  v.prewarm_at = kNever;
}

void Scheduler::noteQuiet(Version& v, SteadyTime now, Actions& out) {
  if (v.config.keep_alive.kind != KeepAlive::Kind::kHistogram || v.retired) return;
  const auto window = v.histogram.window();
  v.function_idle = window ? window->keep : Nanos(0);
  if (!window || window->prewarm.count() == 0) return;
  while (!v.idle[0].empty()) stop(v, v.idle[0].back, Reason::kFunctionIdle, out);
  v.prewarm_at = now + window->prewarm;
}

void Scheduler::provision(Version& v, SteadyTime now, Actions& out) {
  while (v.provisioned_count < v.config.provisioned) emitStart(start(v, true, now), out);
  while (v.provisioned_count > v.config.provisioned && !v.idle[1].empty()) {
    stop(v, v.idle[1].back, Reason::kFewerProvisioned, out);
  }
}

SteadyTime Scheduler::nextOf(const Version& v, SteadyTime now) const {
  SteadyTime next = std::min(v.prewarm_at, v.provision_at);
  const KeepAlive& keep = v.config.keep_alive;
  if (v.config.timeout.count() > 0 && !v.busy.empty()) {
    next = std::min(next, instances_[v.busy.front].since + v.config.timeout);
  }
  if (v.config.init_timeout.count() > 0 && !v.starting[0].empty()) {
    next = std::min(next, instances_[v.starting[0].front].since + v.config.init_timeout);
  }
  if (!v.idle[0].empty()) {
    const bool quiet = v.busy_count + v.starting_count == 0;
    if (v.function_idle.count() > 0 && quiet && v.worked) next = std::min(next, v.last_active + v.function_idle);
    if (keep.idle.count() > 0 && !windowRules(keep, v.function_idle, quiet)) {
      next = std::min(next, instances_[v.idle[0].back].since + keep.idle);
    }
  }
  if (!v.ages.empty()) next = std::min(next, v.ages.front().first);
  if (!v.queue.empty()) {
    const Waiting& w = v.queue.front();
    if (v.config.queue_wait.count() > 0) next = std::min(next, w.since + v.config.queue_wait);
    const bool account = !limits_.burst.per_function && w.reason == Reason::kAccountConcurrency;
    if (account && !account_burst_.available(now)) next = std::min(next, account_burst_.nextAt(now));
    if (w.reason == Reason::kFunctionRate || w.reason == Reason::kReservedRate) {
      next = std::min(next, functions_[v.function].burst.nextAt(now));
    }
  }
  return next;
}

void Scheduler::reschedule(uint32_t version, SteadyTime now) {
  Version& v = versions_[version];
  const SteadyTime next = nextOf(v, now);
  if (next >= v.scheduled) return;  // an entry that is too early only costs a look
  v.scheduled = next;
  timers_.emplace_back(next, version);
  std::ranges::push_heap(timers_, std::greater<>());
}

SteadyTime Scheduler::nextTimer() {
  while (!timers_.empty()) {
    const auto [when, version] = timers_.front();
    Version& v = versions_[version];
    SteadyTime next = when;
    if (v.scheduled == when) {
      next = nextOf(v, when);
      if (next <= when) return when;
      v.scheduled = kNever;
    }
    std::ranges::pop_heap(timers_, std::greater<>());
    timers_.pop_back();
    if (v.scheduled == kNever && next != kNever) reschedule(version, when);
  }
  return kNever;
}

void Scheduler::advance(SteadyTime now, Actions& out) {
  fireDue(now, out);
  if (freed_) drainAll(now, out);
}

void Scheduler::fireDue(SteadyTime now, Actions& out) {
  while (!timers_.empty() && timers_.front().first <= now) {
    const auto [when, version] = timers_.front();
    std::ranges::pop_heap(timers_, std::greater<>());
    timers_.pop_back();
    Version& v = versions_[version];
    if (v.scheduled != when) continue;
    v.scheduled = kNever;
    fire(v, now, out);
    reschedule(version, now);
  }
}

void Scheduler::fire(Version& v, SteadyTime now, Actions& out) {
  while (v.config.timeout.count() > 0 && !v.busy.empty()) {
    const uint32_t slot = v.busy.front;
    Instance& i = instances_[slot];
    if (i.since + v.config.timeout > now) break;
    unlink(v.busy, slot);
    i.state = State::kReset;
    ++v.counts.timeouts;
    out.push_back({Action::Kind::kTimeout, Reason::kNone, i.provisioned, false, true, static_cast<VersionId>(i.version),
                   idOf(slot), i.invocation});
  }
  while (v.config.init_timeout.count() > 0 && !v.starting[0].empty()) {
    const uint32_t slot = v.starting[0].front;
    Instance& i = instances_[slot];
    if (i.since + v.config.init_timeout > now) break;
    unlink(v.starting[0], slot);
    i.state = State::kStartOverdue;
    out.push_back({Action::Kind::kInitTimeout, Reason::kNone, i.provisioned, i.bound, i.bound,
                   static_cast<VersionId>(i.version), idOf(slot), i.invocation});
  }
  fireIdle(v, now, out);
  fireAges(v, now, out);
  fireQueue(v, now, out);
  if (v.prewarm_at <= now) {
    v.prewarm_at = kNever;
    if (v.idle_count + v.starting_count + v.busy_count == 0 && roomFor(v, out)) emitStart(start(v, false, now), out);
  }
  if (v.provision_at <= now) {
    v.provision_at = kNever;
    provision(v, now, out);
  }
}

void Scheduler::fireIdle(Version& v, SteadyTime now, Actions& out) {
  const bool quiet = v.busy_count + v.starting_count == 0;
  if (v.function_idle.count() > 0 && quiet && v.worked && v.last_active + v.function_idle <= now) {
    while (!v.idle[0].empty()) stop(v, v.idle[0].back, Reason::kFunctionIdle, out);
  }
  const KeepAlive& keep = v.config.keep_alive;
  if (keep.idle.count() == 0 || windowRules(keep, v.function_idle, quiet)) return;
  while (!v.idle[0].empty() && instances_[v.idle[0].back].since + keep.idle <= now) {
    stop(v, v.idle[0].back, Reason::kIdle, out);
  }
}

void Scheduler::fireAges(Version& v, SteadyTime now, Actions& out) {
  while (!v.ages.empty() && v.ages.front().first <= now) {
    Instance* i = find(v.ages.front().second);
    std::ranges::pop_heap(v.ages, std::greater<>());
    v.ages.pop_back();
    // One that works is stopped when it finishes.
    if (i != nullptr && i->state == State::kIdle) {
      stop(v, static_cast<uint32_t>(i - instances_.data()), Reason::kLifetime, out);
    }
  }
}

void Scheduler::fireQueue(Version& v, SteadyTime now, Actions& out) {
  while (!v.queue.empty() && v.config.queue_wait.count() > 0 && v.queue.front().since + v.config.queue_wait <= now) {
    const Waiting& w = v.queue.front();
    ++v.counts.throttles;
    out.push_back({Action::Kind::kThrottle, w.reason, false, false, false,
                   static_cast<VersionId>(&v - versions_.data()), InstanceId::kNone, w.invocation});
    v.queue.pop();
  }
  drain(v, now, out);
}

}  // namespace lectern::scheduling
