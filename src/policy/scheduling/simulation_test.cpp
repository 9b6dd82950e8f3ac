// A random life under a seed: arrivals, completions, crashes, expiries, configuration changes, stale events. Whatever
// happens, every invocation is answered exactly once, limits hold and instances serve one event at a time.
// LECTERN_SEED=n repeats one run; without it several seeds run and a failure names its own.

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "policy/scheduling/scheduler.h"

namespace lectern::scheduling {
namespace {

class Life {
 public:
  explicit Life(uint64_t seed) : rng_(seed), limits_(drawLimits(seed)), scheduler_(limits_) {
    for (int n = 0; n < 4; ++n) {
      const auto reserved = chance(0.4) ? std::optional<int>(pick(0, 6)) : std::nullopt;
      reserved_total_ += reserved.value_or(0);
      functions_.push_back({scheduler_.addFunction(reserved), reserved, {}, 0});
      for (int k = pick(1, 2); k > 0; --k) {
        const VersionConfig config = drawConfig(reserved);
        functions_.back().provisioned += config.provisioned;
        functions_.back().versions.push_back(
            scheduler_.addVersion(functions_.back().id, config, now_, actions_));
        configs_[functions_.back().versions.back()] = {config, functions_.size() - 1, false};
      }
    }
    obey();
    forgive();
  }

  void run(int steps) {
    for (int n = 0; n < steps && !testing::Test::HasFatalFailure(); ++n) step();
    // The end: everything in flight finishes, queues empty themselves.
    for (int n = 0; n < 100'000 && !(instances_.empty() && waiting_.empty()); ++n) {
      if (!eventOf(chance(0.9))) {
        const SteadyTime timer = scheduler_.nextTimer();
        if (timer == kNever) break;
        now_ = std::max(now_, timer);
        scheduler_.advance(now_, actions_);
        obey();
      }
      check();
    }
    EXPECT_TRUE(waiting_.empty()) << waiting_.size() << " invocations were never answered";
    EXPECT_EQ(answered_, asked_);
    for (const auto& [version, owner] : configs_) EXPECT_EQ(scheduler_.counts(version).queued, 0u);
  }

 private:
  struct OwnedFunction {
    FunctionId id;
    std::optional<int> reserved;
    std::vector<VersionId> versions;
    int provisioned = 0;
  };
  struct Owner {
    VersionConfig config;
    size_t function = 0;
    bool retired = false;
  };
  struct Live {
    VersionId version{};
    bool starting = true, provisioned = false, bound = false, overdue = false;
    InvocationId invocation = 0;
    SteadyTime since;
  };

  bool chance(double p) { return std::bernoulli_distribution(p)(rng_); }
  int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(rng_); }
  AccountLimits drawLimits(uint64_t seed) {
    AccountLimits limits;
    limits.concurrency = pick(25, 60);
    limits.seed = seed;
    limits.burst = chance(0.3) ? Burst::none() : chance(0.5) ? Burst::of2020(pick(5, 50)) : Burst::today();
    if (chance(0.3)) limits.burst.capacity = pick(2, 10);
    if (chance(0.3)) limits.rate_factor = 10;
    if (chance(0.4)) limits.memory_mb = pick(4, 40) * 512;
    return limits;
  }
  VersionConfig drawConfig(std::optional<int> reserved) {
    VersionConfig config;
    config.memory_mb = 128 * pick(1, 8);
    if (chance(0.3)) config.provisioned = std::min(pick(1, 3), reserved.value_or(6) / 2);
    if (chance(0.5)) config.timeout = Seconds(pick(1, 20));
    if (chance(0.5)) config.init_timeout = Seconds(pick(1, 10));
    if (chance(0.5)) config.queue_limit = static_cast<size_t>(pick(1, 10));
    if (chance(0.9)) config.queue_wait = Seconds(pick(1, 30));
    const KeepAlive all[] = {KeepAlive::fixed(Seconds(pick(1, 900))), KeepAlive::lambda2020(),
                             KeepAlive::hybridHistogram(), KeepAlive::lambdaToday()};
    config.keep_alive = all[pick(0, 3)];
    return config;
  }

  void step() {
    const double what = std::uniform_real_distribution<>(0, 1)(rng_);
    if (what < 0.45) {
      arrive();
    } else if (what < 0.95) {
      if (chance(0.5)) advanceTime();
      eventOf(true);
    } else if (what < 0.97) {
      advanceTime();
    } else if (what < 0.98) {
      stale();
    } else if (what < 0.985) {
      change();
    } else {
      now_ = now_ + Seconds(pick(1, 3000));
      scheduler_.advance(now_, actions_);
      obey();
    }
    check();
  }

  void advanceTime() {
    now_ = now_ + Millis(pick(0, 3000));
    if (chance(0.7)) {
      // A driver on time; otherwise the timers are run by the next event.
      while (scheduler_.nextTimer() <= now_) {
        scheduler_.advance(scheduler_.nextTimer(), actions_);
        obey();
      }
    }
  }

  void arrive() {
    OwnedFunction& f = functions_[static_cast<size_t>(pick(0, 3))];
    const VersionId v = f.versions[static_cast<size_t>(pick(0, static_cast<int>(f.versions.size()) - 1))];
    if (configs_[v].retired) return;
    const InvocationId id = ++asked_;
    waiting_.insert(id);
    scheduler_.invoke(v, id, now_, actions_);
    obey();
  }

  /// One running instance gets ready, finishes or dies; false when there is none.
  bool eventOf(bool well) {
    std::vector<InstanceId> running;
    for (const auto& [id, live] : instances_) {
      if (live.starting || live.bound || live.overdue) running.push_back(id);
    }
    if (running.empty()) return false;
    const InstanceId id = running[static_cast<size_t>(pick(0, static_cast<int>(running.size()) - 1))];
    // The timers that are due run first, so a late completion meets its timeout.
    scheduler_.advance(now_, actions_);
    obey();
    if (!instances_.contains(id)) return true;
    Live& live = instances_[id];
    if (!well || chance(0.05)) {
      dead_.push_back(id);
      instances_.erase(id);
      EXPECT_TRUE(scheduler_.gone(id, now_, actions_));
    } else if (live.starting) {
      live.starting = false;
      EXPECT_TRUE(scheduler_.ready(id, now_, actions_));
    } else {
      if (live.bound && !live.overdue) answer(live.invocation);
      live.bound = live.overdue = false;
      EXPECT_TRUE(scheduler_.finished(id, now_, actions_));
    }
    obey();
    return true;
  }

  void stale() {
    if (dead_.empty()) return;
    const InstanceId id = dead_[static_cast<size_t>(pick(0, static_cast<int>(dead_.size()) - 1))];
    EXPECT_FALSE(scheduler_.ready(id, now_, actions_));
    EXPECT_FALSE(scheduler_.finished(id, now_, actions_));
    EXPECT_FALSE(scheduler_.gone(id, now_, actions_));
    obey();
  }

  void change() {
    OwnedFunction& f = functions_[static_cast<size_t>(pick(0, 3))];
    const VersionId v = f.versions[0];
    Owner& owner = configs_[v];
    if (owner.retired) return;
    f.provisioned -= owner.config.provisioned;
    if (chance(0.2)) {
      owner.retired = true;
      scheduler_.retireVersion(v, now_, actions_);
      owner.config.provisioned = 0;
    } else {
      owner.config = drawConfig(f.reserved);
      f.provisioned += owner.config.provisioned;
      scheduler_.updateVersion(v, owner.config, now_, actions_);
    }
    obey();
    forgive();
  }

  /// More provisioned instances than the limit leaves room for are the configuration's fault, not an invocation's.
  void forgive() {
    high_pool_ = 0;
    for (size_t n = 0; n < functions_.size(); ++n) {
      high_[n] = scheduler_.concurrency(functions_[n].id);
      if (!functions_[n].reserved) high_pool_ += high_[n];
    }
  }

  void answer(InvocationId id) {
    EXPECT_EQ(waiting_.erase(id), 1u) << "invocation " << id << " answered twice";
    ++answered_;
  }

  void obey() {
    for (size_t n = 0; n < actions_.size(); ++n) apply(Action(actions_[n]));
    actions_.clear();
  }

  void apply(const Action& a) {
    switch (a.kind) {
      case Action::Kind::kStart:
        ASSERT_FALSE(instances_.contains(a.instance));
        instances_[a.instance] = {a.version, true, a.provisioned, false, false, 0, now_};
        break;
      case Action::Kind::kDispatch: {
        ASSERT_TRUE(instances_.contains(a.instance));
        Live& live = instances_[a.instance];
        ASSERT_FALSE(live.bound || live.overdue || live.starting) << "two events at a time";
        ASSERT_EQ(live.version, a.version);
        ASSERT_TRUE(waiting_.contains(a.invocation));
        live.bound = true;
        live.invocation = a.invocation;
        live.since = now_;
        break;
      }
      case Action::Kind::kStop: {
        ASSERT_TRUE(instances_.contains(a.instance));
        const Live& live = instances_[a.instance];
        ASSERT_FALSE(live.bound || live.overdue || live.starting) << "stopped at work";
        instances_.erase(a.instance);
        dead_.push_back(a.instance);
        break;
      }
      case Action::Kind::kThrottle:
      case Action::Kind::kFail:
        answer(a.invocation);
        break;
      case Action::Kind::kTimeout: {
        Live& live = instances_.at(a.instance);
        ASSERT_EQ(live.invocation, a.invocation);
        ASSERT_GE(now_ - live.since, configs_[a.version].config.timeout);
        live.bound = false;
        live.overdue = true;
        answer(a.invocation);
        break;
      }
      case Action::Kind::kInitTimeout:
        ASSERT_TRUE(instances_.at(a.instance).starting);
        break;
    }
  }

  void check() {
    int unreserved = 0;
    for (size_t n = 0; n < functions_.size(); ++n) {
      const OwnedFunction& f = functions_[n];
      const int used = scheduler_.concurrency(f.id);
      int working = 0;
      for (const auto& [id, live] : instances_) {
        if (configs_[live.version].function == n && !live.provisioned && (live.bound || live.overdue)) ++working;
      }
      EXPECT_LE(working + f.provisioned, used) << "an invocation is not counted";
      if (!f.reserved) unreserved += used;
      // Provisioned instances are given by configuration; what invocations add stays inside the limit.
      if (f.reserved && used > f.provisioned) {
        EXPECT_LE(used, std::max(*f.reserved, high_[n]));
      }
      high_[n] = f.reserved && used > *f.reserved ? used : 0;
    }
    const int pool = limits_.concurrency - reserved_total_;
    EXPECT_LE(unreserved, std::max(pool, high_pool_));
    high_pool_ = unreserved > pool ? unreserved : 0;
    EXPECT_EQ(scheduler_.liveInstances(), static_cast<int>(instances_.size()));
  }

  std::mt19937_64 rng_;
  AccountLimits limits_;
  Scheduler scheduler_;
  SteadyTime now_{1'000'000'000};
  Actions actions_;
  std::vector<OwnedFunction> functions_;
  std::map<VersionId, Owner> configs_;
  std::map<InstanceId, Live> instances_;
  std::vector<InstanceId> dead_;
  std::set<InvocationId> waiting_;
  std::map<size_t, int> high_;
  int high_pool_ = 0;
  int reserved_total_ = 0;
  uint64_t asked_ = 0, answered_ = 0;
};

TEST(Simulation, RandomLives) {
  const char* given = std::getenv("LECTERN_SEED");
  const uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  const int runs = given != nullptr ? 1 : 60;
  for (int n = 0; n < runs; ++n) {
    const uint64_t seed = first + static_cast<uint64_t>(n);
    SCOPED_TRACE("LECTERN_SEED=" + std::to_string(seed));
    Life(seed).run(5000);
    if (testing::Test::HasFailure()) {
      std::printf("failed with LECTERN_SEED=%llu\n", static_cast<unsigned long long>(seed));
      return;
    }
  }
}

}  // namespace
}  // namespace lectern::scheduling
