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
