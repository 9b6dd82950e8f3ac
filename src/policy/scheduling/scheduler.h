#pragma once
// Lambda's placement, scaling, throttling and keep-alive as a pure state machine: every event takes the present moment
// and appends what the driver has to do to a vector that the driver clears and reuses. No I/O, clock, thread or lock.
//
// Life of an instance: kStart (the driver makes an environment) -> ready() -> kDispatch (hand it this invocation) ->
// finished() -> idle or the next kDispatch -> kStop (the driver ends it; nothing more is expected about it). When an
// environment dies by itself the driver calls gone(). Events about an instance that is stopped or gone are ignored and
// answered with false, so the driver need not order racing events.
//
// Life of an invocation: invoke() -> exactly one of kDispatch, kThrottle or kFail; after kDispatch the driver answers
// the caller, unless kTimeout or kFail names the invocation first. A starting instance keeps the invocation it is
// started for.
//
// The driver calls advance(now) at nextTimer(), or earlier; every other event first runs the timers that are due.

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "policy/scheduling/keep_alive.h"
#include "policy/scheduling/ring_queue.h"
#include "policy/scheduling/token_bucket.h"

namespace lectern::scheduling {

/// A function with all its versions: what reserved concurrency and the burst limit of today belong to.
enum class FunctionId : uint32_t {};
/// A version of a function: what instances run.
enum class VersionId : uint32_t {};
/// An instance; never used twice.
enum class InstanceId : uint64_t { kNone = 0 };
/// A small number for the instance, used again after its end: an index into the driver's own table.
inline uint32_t slotOf(InstanceId instance) { return static_cast<uint32_t>(static_cast<uint64_t>(instance)) - 1; }
/// Chosen by the driver.
using InvocationId = uint64_t;

constexpr SteadyTime kNever{INT64_MAX};

enum class Reason : uint8_t {
  kNone,
  // Of kThrottle: Lambda's TooManyRequestsException reasons.
  kReservedConcurrency,
  kAccountConcurrency,
  kReservedRate,
  kFunctionRate,
  kCallerRate,
  // Of kFail.
  kInstanceLost,
  kInitFailed,
  kVersionRetired,
  // Of kStop.
  kIdle,
  kFunctionIdle,
  kLifetime,
  kEvicted,
  kRetired,
  kFewerProvisioned,
};

/// "ReservedFunctionConcurrentInvocationLimitExceeded" and so on for throttles; a short word for the others.
std::string_view reasonName(Reason reason);

struct Action {
  enum class Kind : uint8_t {
    kStart,        // make an environment for `version`, then call ready() or gone(); `invocation` waits when `bound`
    kDispatch,     // hand `invocation` to `instance`; `cold` when it waited for the start
    kStop,         // end `instance`, which has no invocation
    kThrottle,     // answer `invocation` with 429 and `reason`
    kFail,         // answer `invocation` with an error: its instance went away
    kTimeout,      // `invocation` ran out of time: answer it and reset `instance` (then finished()) or end it (then gone())
    kInitTimeout,  // the start takes longer than init may: call ready() to go on inside the invocation, or gone()
  };
  Kind kind = Kind::kStart;
  Reason reason = Reason::kNone;
  bool provisioned = false;
  bool cold = false;
  bool bound = false;
  VersionId version{};
  InstanceId instance = InstanceId::kNone;
  InvocationId invocation = 0;
};
using Actions = std::vector<Action>;

/// The burst limit: how many environments may be started.
struct Burst {
  bool per_function = true;
  int64_t capacity = 1000;  // at once; 0: no limit
  int64_t refill = 100;     // then this many every `period`
  Nanos period = Seconds(1);

  /// 1 000 environments every 10 s for each function.
  static Burst today() { return {}; }
  /// 500, 1 000 or 3 000 at once by region for the whole account, then 500 a minute.
  static Burst of2020(int64_t capacity = 3000) { return {false, capacity, 500, std::chrono::minutes(1)}; }
  static Burst none() { return {true, 0, 0, Seconds(1)}; }
};

struct AccountLimits {
  int concurrency = 1000;
  Burst burst;
  int rate_factor = 0;    // invocations a second for each unit of concurrency (Lambda: 10); 0: no limit
  int64_t memory_mb = 0;  // of all instances of this machine, idle ones evicted to make room; 0: no limit
  uint64_t seed = 1;      // draws instance lifetimes
};

struct VersionConfig {
  int memory_mb = 128;
  int provisioned = 0;       // instances kept ready
  Nanos timeout{0};          // of an invocation, from dispatch; 0: none
  Nanos init_timeout{0};     // of a start on demand; 0: none
  KeepAlive keep_alive;
  size_t queue_limit = 0;    // invocations that may wait for capacity; 0: throttle at once, as Lambda does
  Nanos queue_wait{0};       // then they are throttled; 0: no limit
};

struct VersionCounts {
  uint64_t invocations = 0;  // all that came, throttled ones too
  uint64_t starts = 0;       // environments started, provisioned and pre-warmed ones too
  uint64_t cold = 0;         // invocations that waited for a start
  uint64_t throttles = 0;
  uint64_t timeouts = 0;
  int starting = 0, idle = 0, busy = 0;  // instances now; an instance in reset counts as busy
  size_t queued = 0;
};

class Scheduler {
 public:
  explicit Scheduler(const AccountLimits& limits);

  /// `reserved` is both guarantee and cap; 0 switches the function off.
  FunctionId addFunction(std::optional<int> reserved = std::nullopt);
  void setReserved(FunctionId function, std::optional<int> reserved, SteadyTime now, Actions& out);
  /// Adds a version; starts its provisioned instances.
  VersionId addVersion(FunctionId function, const VersionConfig& config, SteadyTime now, Actions& out);
  /// Changes a version in place; memory counts for instances started from now on.
  void updateVersion(VersionId version, const VersionConfig& config, SteadyTime now, Actions& out);
  /// Takes a version out of service: waiting invocations fail, idle instances stop, busy ones stop when they finish.
  void retireVersion(VersionId version, SteadyTime now, Actions& out);

  void invoke(VersionId version, InvocationId invocation, SteadyTime now, Actions& out);
  /// The environment can take work.
  bool ready(InstanceId instance, SteadyTime now, Actions& out);
  /// The environment has done with its invocation (or with its reset after kTimeout) and waits for the next.
  bool finished(InstanceId instance, SteadyTime now, Actions& out);
  /// The environment is no more: crash, failed start, killed by the driver.
  bool gone(InstanceId instance, SteadyTime now, Actions& out);

  /// When advance() has something to do; kNever when only other events can change anything.
  SteadyTime nextTimer();
  void advance(SteadyTime now, Actions& out);
  /// False when surely no timer is due at `now`: cheaper than nextTimer().
  bool mayBeDue(SteadyTime now) const { return !timers_.empty() && timers_.front().first <= now; }

  VersionCounts counts(VersionId version) const;
  /// Concurrency in use as Lambda counts it: invocations in flight, starts included, and provisioned instances.
  int concurrency(FunctionId function) const;
  int concurrency() const;
  int liveInstances() const { return live_; }
  int64_t memoryMb() const { return memory_mb_; }

 private:
  static constexpr uint32_t kNil = UINT32_MAX;
  enum class State : uint8_t { kFree, kStarting, kStartOverdue, kIdle, kBusy, kReset };

  struct Instance {
    SteadyTime since;             // when its state began
    SteadyTime expires = kNever;  // greatest age
    InvocationId invocation = 0;
    uint32_t generation = 0;
    uint32_t version = 0;
    uint32_t prev = kNil, next = kNil;
    int memory_mb = 0;
    State state = State::kFree;
    bool provisioned = false;
    bool bound = false;    // has an invocation
    bool counted = false;  // holds a unit of its function's on-demand concurrency
  };
  struct List {
    uint32_t front = kNil, back = kNil;
    bool empty() const { return front == kNil; }
  };
  struct Waiting {
    InvocationId invocation = 0;
    SteadyTime since;
    Reason reason = Reason::kNone;
  };
  struct Function {
    std::optional<int> reserved;
    int provisioned = 0;  // configured, over all versions
    int in_use = 0;       // on demand
    TokenBucket burst;
    TokenBucket rate;
  };
  struct Version {
    VersionConfig config;
    uint32_t function = 0;
    bool retired = false;
    List busy;         // oldest dispatch first
    List starting[2];  // on demand, provisioned; oldest first
    List idle[2];      // most recently used first
    int starting_count = 0, idle_count = 0, busy_count = 0, provisioned_count = 0;
    SteadyTime last_active;                // when the last work ended
    bool worked = false;                   // last_active means something
    Nanos function_idle{0};                // as the keep-alive policy sets it now
    SteadyTime prewarm_at = kNever;        // start an instance then
    SteadyTime provision_at = kNever;      // retry the missing provisioned instances then
    int provision_failures = 0;
    std::vector<std::pair<SteadyTime, InstanceId>> ages;  // heap, soonest first; may name dead instances
    RingQueue<Waiting> queue;
    IdleHistogram histogram;
    SteadyTime scheduled = kNever;  // its entry in timers_
    VersionCounts counts;
  };

  Instance* find(InstanceId instance);
  InstanceId idOf(uint32_t slot) const;
  Version& versionOf(VersionId id);
  void pushFront(List& list, uint32_t slot);
  void pushBack(List& list, uint32_t slot);
  void unlink(List& list, uint32_t slot);
  double uniform();

  Reason place(Version& v, InvocationId invocation, SteadyTime now, Actions& out);
  Reason startBound(Version& v, InvocationId invocation, SteadyTime now, Actions& out);
  Reason limitOf(const Version& v) const;
  bool roomFor(const Version& v, Actions& out);
  uint32_t start(Version& v, bool provisioned, SteadyTime now);
  void emitStart(uint32_t slot, Actions& out);
  void dispatch(Version& v, uint32_t slot, InvocationId invocation, bool cold, SteadyTime now, Actions& out);
  void becomeIdle(Version& v, uint32_t slot, SteadyTime now, Actions& out);
  void count(Version& v, Instance& i);
  void uncount(Version& v, Instance& i);
  void remove(Version& v, uint32_t slot);
  void stop(Version& v, uint32_t slot, Reason reason, Actions& out);
  void drain(Version& v, SteadyTime now, Actions& out);
  void drainAll(SteadyTime now, Actions& out);
  void noteArrival(Version& v, SteadyTime now);
  void noteQuiet(Version& v, SteadyTime now, Actions& out);
  void provision(Version& v, SteadyTime now, Actions& out);
  SteadyTime nextOf(const Version& v, SteadyTime now) const;
  void reschedule(uint32_t version, SteadyTime now);
  void fireDue(SteadyTime now, Actions& out);
  void fire(Version& v, SteadyTime now, Actions& out);
  void fireIdle(Version& v, SteadyTime now, Actions& out);
  void fireAges(Version& v, SteadyTime now, Actions& out);
  void fireQueue(Version& v, SteadyTime now, Actions& out);

  AccountLimits limits_;
  TokenBucket account_burst_;
  TokenBucket account_rate_;
  uint64_t random_;
  int reserved_total_ = 0;
  int unreserved_in_use_ = 0;  // on demand and provisioned, of functions without a reservation
  int live_ = 0;
  int64_t memory_mb_ = 0;
  bool freed_ = false;  // concurrency or memory came free that others may wait for
  std::vector<Instance> instances_;
  std::vector<uint32_t> free_;
  std::vector<Function> functions_;
  std::vector<Version> versions_;
  std::vector<uint32_t> waiting_;                          // versions with a queue, in the order they began to wait
  std::vector<std::pair<SteadyTime, uint32_t>> timers_;    // heap, soonest first; may be stale
};

}  // namespace lectern::scheduling
