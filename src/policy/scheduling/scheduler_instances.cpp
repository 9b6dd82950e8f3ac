// Instances from their start to their end, and the lists they stand in.

#include <algorithm>
#include <functional>

#include "base/check.h"
#include "policy/scheduling/scheduler.h"

namespace lectern::scheduling {

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

}  // namespace lectern::scheduling
