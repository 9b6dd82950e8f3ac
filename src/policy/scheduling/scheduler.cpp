#include "policy/scheduling/scheduler.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace lectern::scheduling {

std::string_view reasonName(Reason reason) {
  static constexpr std::array<std::string_view, 15> kNames = {
      "none",
      "ReservedFunctionConcurrentInvocationLimitExceeded",
      "ConcurrentInvocationLimitExceeded",
      "ReservedFunctionInvocationRateLimitExceeded",
      "FunctionInvocationRateLimitExceeded",
      "CallerRateLimitExceeded",
      "instance lost",
      "init failed",
      "version retired",
      "idle",
      "function idle",
      "lifetime",
      "evicted",
      "retired",
      "fewer provisioned",
  };
  return kNames[static_cast<size_t>(reason)];
}

Scheduler::Scheduler(const AccountLimits& limits) : limits_(limits), random_(limits.seed) {
  CHECK(limits.concurrency >= 0);
  if (!limits.burst.per_function) {
    account_burst_ = TokenBucket(limits.burst.capacity, limits.burst.refill, limits.burst.period);
  }
  const int64_t rate = int64_t{limits.rate_factor} * limits.concurrency;
  account_rate_ = TokenBucket(rate, rate, Seconds(1));
}

double Scheduler::uniform() {
  // SplitMix64 (Steele, Lea, Flood 2014), the top 53 bits.
  uint64_t z = (random_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

// Functions and versions.

FunctionId Scheduler::addFunction(std::optional<int> reserved) {
  const auto id = static_cast<FunctionId>(functions_.size());
  Function& f = functions_.emplace_back();
  if (limits_.burst.per_function) {
    f.burst = TokenBucket(limits_.burst.capacity, limits_.burst.refill, limits_.burst.period);
  }
  Actions none;
  setReserved(id, reserved, SteadyTime{}, none);
  return id;
}

void Scheduler::setReserved(FunctionId function, std::optional<int> reserved, SteadyTime now, Actions& out) {
  CHECK(static_cast<size_t>(function) < functions_.size());
  Function& f = functions_[static_cast<size_t>(function)];
  f.reserved = reserved;
  const int64_t rate = reserved ? int64_t{limits_.rate_factor} * *reserved : 0;
  f.rate = TokenBucket(rate, rate, Seconds(1));
  reserved_total_ = 0;
  unreserved_in_use_ = 0;
  for (const Function& each : functions_) {
    if (each.reserved) {
      reserved_total_ += *each.reserved;
    } else {
      unreserved_in_use_ += each.in_use + each.provisioned;
    }
  }
  if (!waiting_.empty()) drainAll(now, out);
}

VersionId Scheduler::addVersion(FunctionId function, const VersionConfig& config, SteadyTime now, Actions& out) {
  CHECK(static_cast<size_t>(function) < functions_.size());
  const auto id = static_cast<VersionId>(versions_.size());
  versions_.emplace_back().function = static_cast<uint32_t>(function);
  updateVersion(id, config, now, out);
  return id;
}

void Scheduler::updateVersion(VersionId version, const VersionConfig& config, SteadyTime now, Actions& out) {
  fireDue(now, out);
  Version& v = versionOf(version);
  CHECK(!v.retired);
  Function& f = functions_[v.function];
  const int more = config.provisioned - v.config.provisioned;
  f.provisioned += more;
  if (!f.reserved) unreserved_in_use_ += more;
  v.config = config;
  v.function_idle = config.keep_alive.function_idle;
  v.provision_at = kNever;
  provision(v, now, out);
  if (!waiting_.empty()) drainAll(now, out);
  reschedule(static_cast<uint32_t>(version), now);
}

void Scheduler::retireVersion(VersionId version, SteadyTime now, Actions& out) {
  VersionConfig config = versionOf(version).config;
  config.provisioned = 0;
  updateVersion(version, config, now, out);
  Version& v = versionOf(version);
  v.retired = true;
  v.prewarm_at = kNever;
  for (; !v.queue.empty(); v.queue.pop()) {
    Action& a = out.emplace_back();
    a.kind = Action::Kind::kFail;
    a.reason = Reason::kVersionRetired;
    a.version = version;
    a.invocation = v.queue.front().invocation;
  }
  for (List& idle : v.idle) {
    while (!idle.empty()) stop(v, idle.back, Reason::kRetired, out);
  }
}

// Invocations.

void Scheduler::invoke(VersionId version, InvocationId invocation, SteadyTime now, Actions& out) {
  fireDue(now, out);
  Version& v = versionOf(version);
  CHECK(!v.retired);
  Function& f = functions_[v.function];
  ++v.counts.invocations;
  noteArrival(v, now);
  Reason reason = Reason::kNone;
  if (f.reserved ? !f.rate.take(now) : !account_rate_.take(now)) {
    reason = f.reserved ? Reason::kReservedRate : Reason::kCallerRate;
  } else {
    // Those who wait already come first.
    reason = v.queue.empty() ? place(v, invocation, now, out) : v.queue.front().reason;
    if (reason != Reason::kNone && v.queue.size() < v.config.queue_limit) {
      if (v.queue.empty() && std::ranges::find(waiting_, static_cast<uint32_t>(version)) == waiting_.end()) {
        waiting_.push_back(static_cast<uint32_t>(version));
      }
      v.queue.push({invocation, now, reason});
      reason = Reason::kNone;
    }
  }
  if (reason != Reason::kNone) {
    ++v.counts.throttles;
    Action& a = out.emplace_back();
    a.kind = Action::Kind::kThrottle;
    a.reason = reason;
    a.version = version;
    a.invocation = invocation;
  }
  reschedule(static_cast<uint32_t>(version), now);
}

Reason Scheduler::limitOf(const Version& v) const {
  const Function& f = functions_[v.function];
  if (f.reserved) return f.in_use + f.provisioned >= *f.reserved ? Reason::kReservedConcurrency : Reason::kNone;
  return unreserved_in_use_ >= limits_.concurrency - reserved_total_ ? Reason::kAccountConcurrency : Reason::kNone;
}

Reason Scheduler::place(Version& v, InvocationId invocation, SteadyTime now, Actions& out) {
  const Function& f = functions_[v.function];
  if (f.reserved && *f.reserved == 0) return Reason::kReservedConcurrency;
  for (const bool provisioned : {true, false}) {
    if (!provisioned) {
      const Reason limit = limitOf(v);
      if (limit != Reason::kNone) return limit;
    }
    List& idle = v.idle[provisioned];
    if (!idle.empty()) {
      const uint32_t slot = idle.front;
      unlink(idle, slot);
      --v.idle_count;
      if (!provisioned) count(v, instances_[slot]);
      dispatch(v, slot, invocation, false, now, out);
      return Reason::kNone;
    }
  }
  // A pre-warmed instance on its way is bound rather than another one started.
  const uint32_t oldest = v.starting[0].front;
  if (oldest != kNil && !instances_[oldest].bound) {
    Instance& i = instances_[oldest];
    i.bound = true;
    i.invocation = invocation;
    count(v, i);
    return Reason::kNone;
  }
  return startBound(v, invocation, now, out);
}

Reason Scheduler::startBound(Version& v, InvocationId invocation, SteadyTime now, Actions& out) {
  Function& f = functions_[v.function];
  TokenBucket& burst = limits_.burst.per_function ? f.burst : account_burst_;
  if (!burst.available(now)) {
    if (!limits_.burst.per_function) return Reason::kAccountConcurrency;
    return f.reserved ? Reason::kReservedRate : Reason::kFunctionRate;
  }
  if (!roomFor(v, out)) return Reason::kAccountConcurrency;
  burst.take(now);
  const uint32_t slot = start(v, false, now);
  Instance& i = instances_[slot];
  i.bound = true;
  i.invocation = invocation;
  count(v, i);
  emitStart(slot, out);
  return Reason::kNone;
}

bool Scheduler::roomFor(const Version& v, Actions& out) {
  if (limits_.memory_mb == 0) return true;
  while (memory_mb_ + v.config.memory_mb > limits_.memory_mb) {
    Version* owner = nullptr;
    for (Version& each : versions_) {
      const uint32_t slot = each.idle[0].back;
      if (slot == kNil) continue;
      if (owner == nullptr || instances_[slot].since < instances_[owner->idle[0].back].since) owner = &each;
    }
    if (owner == nullptr) return false;
    stop(*owner, owner->idle[0].back, Reason::kEvicted, out);
  }
  return true;
}

// Instances.

uint32_t Scheduler::start(Version& v, bool provisioned, SteadyTime now) {
  uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<uint32_t>(instances_.size());
    instances_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Instance& i = instances_[slot];
  const uint32_t generation = i.generation;
  i = Instance{};
  i.generation = generation;
  i.version = static_cast<uint32_t>(&v - versions_.data());
  i.state = State::kStarting;
  i.since = now;
  i.provisioned = provisioned;
  i.memory_mb = v.config.memory_mb;
  const KeepAlive& keep = v.config.keep_alive;
  if (!provisioned && keep.max_lifetime.count() > 0) {
    const auto spread = static_cast<double>((keep.max_lifetime - keep.min_lifetime).count());
    i.expires = now + keep.min_lifetime + Nanos(static_cast<int64_t>(uniform() * spread));
    v.ages.emplace_back(i.expires, idOf(slot));
    std::ranges::push_heap(v.ages, std::greater<>());
  }
  pushBack(v.starting[provisioned], slot);
  ++v.starting_count;
  ++v.counts.starts;
  ++live_;
  memory_mb_ += i.memory_mb;
  if (provisioned) ++v.provisioned_count;
  return slot;
}

void Scheduler::emitStart(uint32_t slot, Actions& out) {
  const Instance& i = instances_[slot];
  Action& a = out.emplace_back();
  a.kind = Action::Kind::kStart;
  a.provisioned = i.provisioned;
  a.bound = i.bound;
  a.cold = i.bound;
  a.version = static_cast<VersionId>(i.version);
  a.instance = idOf(slot);
  a.invocation = i.invocation;
}

void Scheduler::dispatch(Version& v, uint32_t slot, InvocationId invocation, bool cold, SteadyTime now,
                         Actions& out) {
  Instance& i = instances_[slot];
  i.state = State::kBusy;
  i.since = now;
  i.bound = true;
  i.invocation = invocation;
  pushBack(v.busy, slot);
  ++v.busy_count;
  if (cold) ++v.counts.cold;
  Action& a = out.emplace_back();
  a.kind = Action::Kind::kDispatch;
  a.provisioned = i.provisioned;
  a.cold = cold;
  a.bound = true;
  a.version = static_cast<VersionId>(i.version);
  a.instance = idOf(slot);
  a.invocation = invocation;
}

bool Scheduler::ready(InstanceId instance, SteadyTime now, Actions& out) {
  fireDue(now, out);
  Instance* i = find(instance);
  if (i == nullptr || (i->state != State::kStarting && i->state != State::kStartOverdue)) return false;
  const uint32_t version = i->version;
  Version& v = versions_[version];
  const auto slot = static_cast<uint32_t>(i - instances_.data());
  if (i->state == State::kStarting) unlink(v.starting[i->provisioned], slot);
  --v.starting_count;
  if (i->provisioned) v.provision_failures = 0;
  if (i->bound) {
    dispatch(v, slot, i->invocation, true, now, out);
  } else {
    becomeIdle(v, slot, now, out);
  }
  if (freed_) drainAll(now, out);
  reschedule(version, now);
  return true;
}

bool Scheduler::finished(InstanceId instance, SteadyTime now, Actions& out) {
  fireDue(now, out);
  Instance* i = find(instance);
  if (i == nullptr || (i->state != State::kBusy && i->state != State::kReset)) return false;
  Version& v = versions_[i->version];
  const auto slot = static_cast<uint32_t>(i - instances_.data());
  if (i->state == State::kBusy) unlink(v.busy, slot);
  --v.busy_count;
  i->bound = false;
  uncount(v, *i);
  v.last_active = now;
  v.worked = true;
  const uint32_t version = i->version;
  becomeIdle(v, slot, now, out);
  if (freed_) drainAll(now, out);
  if (v.busy_count + v.starting_count == 0) noteQuiet(v, now, out);
  reschedule(version, now);
  return true;
}

void Scheduler::becomeIdle(Version& v, uint32_t slot, SteadyTime now, Actions& out) {
  Instance& i = instances_[slot];
  i.state = State::kIdle;
  i.since = now;
  pushFront(v.idle[i.provisioned], slot);
  ++v.idle_count;
  freed_ = true;
  if (v.retired) {
    stop(v, slot, Reason::kRetired, out);
  } else if (i.expires <= now) {
    stop(v, slot, Reason::kLifetime, out);
  } else if (i.provisioned && v.provisioned_count > v.config.provisioned) {
    stop(v, slot, Reason::kFewerProvisioned, out);
  }
}

bool Scheduler::gone(InstanceId instance, SteadyTime now, Actions& out) {
  fireDue(now, out);
  Instance* i = find(instance);
  if (i == nullptr) return false;
  const uint32_t version = i->version;
  Version& v = versions_[version];
  const bool was_starting = i->state == State::kStarting || i->state == State::kStartOverdue;
  const bool provisioned = i->provisioned;
  if (i->bound && i->state != State::kReset) {
    Action& a = out.emplace_back();
    a.kind = Action::Kind::kFail;
    a.reason = was_starting ? Reason::kInitFailed : Reason::kInstanceLost;
    a.provisioned = provisioned;
    a.cold = was_starting;
    a.version = static_cast<VersionId>(version);
    a.instance = instance;
    a.invocation = i->invocation;
  }
  if (i->bound) {
    v.last_active = now;
    v.worked = true;
  }
  remove(v, static_cast<uint32_t>(i - instances_.data()));
  if (provisioned && !v.retired) {
    // A bootstrap that fails at once is not started in a tight loop.
    if (was_starting) {
      v.provision_at = now + Seconds(1 << std::min(v.provision_failures++, 6));
    } else {
      provision(v, now, out);
    }
  }
  drainAll(now, out);
  if (v.busy_count + v.starting_count == 0) noteQuiet(v, now, out);
  reschedule(version, now);
  return true;
}

void Scheduler::count(Version& v, Instance& i) {
  CHECK(!i.counted && !i.provisioned);
  i.counted = true;
  Function& f = functions_[v.function];
  ++f.in_use;
  if (!f.reserved) ++unreserved_in_use_;
}

void Scheduler::uncount(Version& v, Instance& i) {
  if (!i.counted) return;
  i.counted = false;
  Function& f = functions_[v.function];
  --f.in_use;
  if (!f.reserved) --unreserved_in_use_;
}

void Scheduler::remove(Version& v, uint32_t slot) {
  Instance& i = instances_[slot];
  switch (i.state) {
    case State::kStarting:
      unlink(v.starting[i.provisioned], slot);
      --v.starting_count;
      break;
    case State::kStartOverdue:
      --v.starting_count;
      break;
    case State::kIdle:
      unlink(v.idle[i.provisioned], slot);
      --v.idle_count;
      break;
    case State::kBusy:
      unlink(v.busy, slot);
      --v.busy_count;
      break;
    case State::kReset:
      --v.busy_count;
      break;
    case State::kFree:
      CHECK(false);
  }
  uncount(v, i);
  if (i.provisioned) --v.provisioned_count;
  memory_mb_ -= i.memory_mb;
  --live_;
  i.state = State::kFree;
  ++i.generation;
  free_.push_back(slot);
  freed_ = true;
}

void Scheduler::stop(Version& v, uint32_t slot, Reason reason, Actions& out) {
  const Instance& i = instances_[slot];
  CHECK(i.state == State::kIdle);
  Action& a = out.emplace_back();
  a.kind = Action::Kind::kStop;
  a.reason = reason;
  a.provisioned = i.provisioned;
  a.version = static_cast<VersionId>(i.version);
  a.instance = idOf(slot);
  remove(v, slot);
}

Scheduler::Instance* Scheduler::find(InstanceId instance) {
  const auto value = static_cast<uint64_t>(instance);
  const uint64_t slot = (value & 0xffffffff) - 1;
  if (slot >= instances_.size()) return nullptr;
  Instance& i = instances_[slot];
  return i.state != State::kFree && i.generation == value >> 32 ? &i : nullptr;
}

InstanceId Scheduler::idOf(uint32_t slot) const {
  return static_cast<InstanceId>(uint64_t{instances_[slot].generation} << 32 | (uint64_t{slot} + 1));
}

Scheduler::Version& Scheduler::versionOf(VersionId id) {
  CHECK(static_cast<size_t>(id) < versions_.size());
  return versions_[static_cast<size_t>(id)];
}

void Scheduler::pushFront(List& list, uint32_t slot) {
  instances_[slot].prev = kNil;
  instances_[slot].next = list.front;
  (list.empty() ? list.back : instances_[list.front].prev) = slot;
  list.front = slot;
}

void Scheduler::pushBack(List& list, uint32_t slot) {
  instances_[slot].next = kNil;
  instances_[slot].prev = list.back;
  (list.empty() ? list.front : instances_[list.back].next) = slot;
  list.back = slot;
}

void Scheduler::unlink(List& list, uint32_t slot) {
  Instance& i = instances_[slot];
  (i.prev == kNil ? list.front : instances_[i.prev].next) = i.next;
  (i.next == kNil ? list.back : instances_[i.next].prev) = i.prev;
  i.prev = i.next = kNil;
}

VersionCounts Scheduler::counts(VersionId version) const {
  CHECK(static_cast<size_t>(version) < versions_.size());
  const Version& v = versions_[static_cast<size_t>(version)];
  VersionCounts counts = v.counts;
  counts.starting = v.starting_count;
  counts.idle = v.idle_count;
  counts.busy = v.busy_count;
  counts.queued = v.queue.size();
  return counts;
}

int Scheduler::concurrency(FunctionId function) const {
  CHECK(static_cast<size_t>(function) < functions_.size());
  const Function& f = functions_[static_cast<size_t>(function)];
  return f.in_use + f.provisioned;
}

int Scheduler::concurrency() const {
  int sum = 0;
  for (const Function& f : functions_) sum += f.in_use + f.provisioned;
  return sum;
}

}  // namespace lectern::scheduling
