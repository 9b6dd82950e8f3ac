#include "policy/scheduling/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lectern::scheduling {
namespace {

using Kind = Action::Kind;
using testing::ElementsAre;

SteadyTime at(double seconds) { return {static_cast<int64_t>(seconds * 1e9)}; }

/// Runs a scheduler by hand; every call returns the kinds of its actions, `out` keeps them.
struct Hand {
  explicit Hand(AccountLimits limits = {}) : scheduler(limits) {}
  VersionId version(VersionConfig config = {}, std::optional<int> reserved = std::nullopt) {
    function = scheduler.addFunction(reserved);
    out.clear();
    return scheduler.addVersion(function, config, SteadyTime{}, out);
  }
  std::vector<Kind> kinds() const {
    std::vector<Kind> kinds;
    for (const Action& a : out) kinds.push_back(a.kind);
    return kinds;
  }
  std::vector<Kind> invoke(VersionId v, InvocationId id, double t) {
    out.clear();
    scheduler.invoke(v, id, at(t), out);
    return kinds();
  }
  std::vector<Kind> ready(InstanceId i, double t) {
    out.clear();
    EXPECT_TRUE(scheduler.ready(i, at(t), out));
    return kinds();
  }
  std::vector<Kind> finished(InstanceId i, double t) {
    out.clear();
    EXPECT_TRUE(scheduler.finished(i, at(t), out));
    return kinds();
  }
  std::vector<Kind> gone(InstanceId i, double t) {
    out.clear();
    EXPECT_TRUE(scheduler.gone(i, at(t), out));
    return kinds();
  }
  std::vector<Kind> advance(double t) {
    out.clear();
    scheduler.advance(at(t), out);
    return kinds();
  }
  /// Invokes, starts when told to; returns the instance that works.
  InstanceId busy(VersionId v, InvocationId id, double t) {
    invoke(v, id, t);
    const InstanceId instance = out.back().instance;
    if (out.back().kind == Kind::kStart) ready(instance, t);
    EXPECT_EQ(out.back().kind, Kind::kDispatch);
    EXPECT_EQ(out.back().invocation, id);
    return instance;
  }

  Scheduler scheduler;
  FunctionId function{};
  Actions out;
};

TEST(Scheduler, ColdThenWarm) {
  Hand hand;
  const VersionId v = hand.version();
  EXPECT_THAT(hand.invoke(v, 1, 0), ElementsAre(Kind::kStart));
  const InstanceId i = hand.out[0].instance;
  EXPECT_THAT(hand.ready(i, 0.1), ElementsAre(Kind::kDispatch));
  EXPECT_TRUE(hand.out[0].cold);
  EXPECT_EQ(hand.out[0].invocation, 1u);
  EXPECT_THAT(hand.finished(i, 0.2), ElementsAre());
  EXPECT_THAT(hand.invoke(v, 2, 0.3), ElementsAre(Kind::kDispatch));
  EXPECT_EQ(hand.out[0].instance, i);
  EXPECT_FALSE(hand.out[0].cold);
}

TEST(Scheduler, MostRecentlyUsedFirst) {
  Hand hand;
  const VersionId v = hand.version();
  const InstanceId a = hand.busy(v, 1, 0), b = hand.busy(v, 2, 0), c = hand.busy(v, 3, 0);
  hand.finished(b, 1);
  hand.finished(c, 2);
  hand.finished(a, 3);
  EXPECT_EQ(hand.busy(v, 4, 4), a);
  EXPECT_EQ(hand.busy(v, 5, 4), c);
  EXPECT_EQ(hand.busy(v, 6, 4), b);
}

TEST(Scheduler, ProvisionedBeforeOnDemandAndSpillOver) {
  Hand hand;
  VersionConfig config;
  config.provisioned = 1;
  const VersionId v = hand.version(config);
  ASSERT_THAT(hand.kinds(), ElementsAre(Kind::kStart));
  EXPECT_TRUE(hand.out[0].provisioned);
  EXPECT_FALSE(hand.out[0].bound);
  const InstanceId p = hand.out[0].instance;
  EXPECT_EQ(hand.scheduler.concurrency(hand.function), 1);
  hand.ready(p, 1);
  EXPECT_EQ(hand.busy(v, 1, 2), p);
  const InstanceId d = hand.busy(v, 2, 2);
  EXPECT_NE(d, p);
  EXPECT_EQ(hand.scheduler.concurrency(hand.function), 2);
  hand.finished(p, 3);
  hand.finished(d, 4);
  EXPECT_EQ(hand.busy(v, 3, 5), p);
  // A provisioned instance that dies is replaced.
  EXPECT_THAT(hand.gone(p, 6), ElementsAre(Kind::kFail, Kind::kStart));
  EXPECT_EQ(hand.out[0].reason, Reason::kInstanceLost);
  EXPECT_TRUE(hand.out[1].provisioned);
  // One that cannot start is tried again later, at growing intervals.
  EXPECT_THAT(hand.gone(hand.out[1].instance, 7), ElementsAre());
  EXPECT_EQ(hand.scheduler.nextTimer(), at(8));
  EXPECT_THAT(hand.advance(8), ElementsAre(Kind::kStart));
  EXPECT_THAT(hand.gone(hand.out[0].instance, 9), ElementsAre());
  EXPECT_THAT(hand.advance(10.9), ElementsAre());
  EXPECT_THAT(hand.advance(11), ElementsAre(Kind::kStart));
}

TEST(Scheduler, ReservedIsGuaranteeAndCap) {
  AccountLimits limits;
  limits.concurrency = 3;
  Hand hand(limits);
  const VersionId mine = hand.version({}, 1);
  const VersionId other = hand.version();
  hand.busy(other, 1, 0);
  hand.busy(other, 2, 0);
  EXPECT_THAT(hand.invoke(other, 3, 0), ElementsAre(Kind::kThrottle));
  EXPECT_EQ(reasonName(hand.out[0].reason), "ConcurrentInvocationLimitExceeded");
  const InstanceId i = hand.busy(mine, 4, 0);
  EXPECT_THAT(hand.invoke(mine, 5, 0), ElementsAre(Kind::kThrottle));
  EXPECT_EQ(reasonName(hand.out[0].reason), "ReservedFunctionConcurrentInvocationLimitExceeded");
  hand.finished(i, 1);
  EXPECT_EQ(hand.busy(mine, 6, 1), i);
  const VersionId off = hand.version({}, 0);
  EXPECT_THAT(hand.invoke(off, 7, 2), ElementsAre(Kind::kThrottle));
}

TEST(Scheduler, BurstOfTodayPerFunction) {
  AccountLimits limits;
  limits.concurrency = 10'000;
  Hand hand(limits);
  const VersionId v = hand.version(), w = hand.version();
  for (int n = 0; n < 1000; ++n) ASSERT_THAT(hand.invoke(v, n, 0), ElementsAre(Kind::kStart));
  EXPECT_THAT(hand.invoke(v, 1000, 0), ElementsAre(Kind::kThrottle));
  EXPECT_EQ(hand.out[0].reason, Reason::kFunctionRate);
  EXPECT_THAT(hand.invoke(w, 1001, 0), ElementsAre(Kind::kStart));
  EXPECT_THAT(hand.invoke(v, 1002, 0.0099), ElementsAre(Kind::kThrottle));
  EXPECT_THAT(hand.invoke(v, 1003, 0.0101), ElementsAre(Kind::kStart));
  // Unused tokens are not saved up beyond 1 000.
  int started = 0;
  for (int n = 0; n < 1500; ++n) started += hand.invoke(v, 2000 + n, 100)[0] == Kind::kStart;
  EXPECT_EQ(started, 1000);
}

TEST(Scheduler, BurstOf2020ForTheAccount) {
  AccountLimits limits;
  limits.concurrency = 10'000;
  limits.burst = Burst::of2020(500);
  Hand hand(limits);
  const VersionId v = hand.version(), w = hand.version();
  int started = 0;
  for (int n = 0; n < 600; ++n) started += hand.invoke(n % 2 ? v : w, n, 0)[0] == Kind::kStart;
  EXPECT_EQ(started, 500);
  EXPECT_EQ(hand.out[0].reason, Reason::kAccountConcurrency);
  started = 0;
  for (int n = 0; n < 600; ++n) started += hand.invoke(v, 1000 + n, 30)[0] == Kind::kStart;
  EXPECT_EQ(started, 250);
}

TEST(Scheduler, RateIsTenTimesConcurrency) {
  AccountLimits limits;
  limits.concurrency = 100;
  limits.rate_factor = 10;
  Hand hand(limits);
  const VersionId v = hand.version();
  const InstanceId i = hand.busy(v, 0, 0);
  hand.finished(i, 0);
  for (int n = 1; n < 1000; ++n) hand.finished(hand.busy(v, n, 0), 0);
  EXPECT_THAT(hand.invoke(v, 1001, 0), ElementsAre(Kind::kThrottle));
  EXPECT_EQ(reasonName(hand.out[0].reason), "CallerRateLimitExceeded");
  EXPECT_THAT(hand.invoke(v, 1002, 0.0011), ElementsAre(Kind::kDispatch));
}

TEST(Scheduler, QueueWaitsInOrderAndGivesUp) {
  Hand hand;
  VersionConfig config;
  config.queue_limit = 2;
  config.queue_wait = Seconds(10);
  const VersionId v = hand.version(config, 1);
  const InstanceId i = hand.busy(v, 1, 0);
  EXPECT_THAT(hand.invoke(v, 2, 1), ElementsAre());
  EXPECT_THAT(hand.invoke(v, 3, 2), ElementsAre());
  EXPECT_THAT(hand.invoke(v, 4, 3), ElementsAre(Kind::kThrottle));
  EXPECT_THAT(hand.finished(i, 4), ElementsAre(Kind::kDispatch));
  EXPECT_EQ(hand.out[0].invocation, 2u);
  EXPECT_EQ(hand.scheduler.nextTimer(), at(12));
  EXPECT_THAT(hand.advance(12), ElementsAre(Kind::kThrottle));
  EXPECT_EQ(hand.out[0].invocation, 3u);
}

TEST(Scheduler, CapacityFreedByOneFunctionServesAnother) {
  AccountLimits limits;
  limits.concurrency = 1;
  Hand hand(limits);
  VersionConfig config;
  config.queue_limit = 5;
  const VersionId v = hand.version(config), w = hand.version(config);
  const InstanceId i = hand.busy(v, 1, 0);
  EXPECT_THAT(hand.invoke(w, 2, 1), ElementsAre());
  EXPECT_THAT(hand.finished(i, 2), ElementsAre(Kind::kStart));
  EXPECT_EQ(hand.out[0].version, w);
}

TEST(Scheduler, TimeoutThenReset) {
  Hand hand;
  VersionConfig config;
  config.timeout = Seconds(3);
  const VersionId v = hand.version(config);
  const InstanceId i = hand.busy(v, 1, 0);
  EXPECT_EQ(hand.scheduler.nextTimer(), at(3));
  EXPECT_THAT(hand.advance(3), ElementsAre(Kind::kTimeout));
  EXPECT_EQ(hand.out[0].invocation, 1u);
  EXPECT_EQ(hand.scheduler.concurrency(), 1);
  EXPECT_THAT(hand.finished(i, 3.5), ElementsAre());
  EXPECT_EQ(hand.busy(v, 2, 4), i);
  hand.advance(7);
  EXPECT_THAT(hand.gone(i, 7.5), ElementsAre());
  EXPECT_FALSE(hand.scheduler.finished(i, at(8), hand.out));
  EXPECT_EQ(hand.scheduler.liveInstances(), 0);
  EXPECT_EQ(hand.scheduler.concurrency(), 0);
}

TEST(Scheduler, InitTimeoutAndFailure) {
  Hand hand;
  VersionConfig config;
  config.init_timeout = Seconds(10);
  const VersionId v = hand.version(config);
  hand.invoke(v, 1, 0);
  const InstanceId i = hand.out[0].instance;
  EXPECT_THAT(hand.advance(10), ElementsAre(Kind::kInitTimeout));
  EXPECT_THAT(hand.ready(i, 10), ElementsAre(Kind::kDispatch));
  hand.invoke(v, 2, 11);
  EXPECT_THAT(hand.gone(hand.out[0].instance, 12), ElementsAre(Kind::kFail));
  EXPECT_EQ(hand.out[0].reason, Reason::kInitFailed);
}

TEST(Scheduler, FixedKeepAlive) {
  Hand hand;
  VersionConfig config;
  config.keep_alive = KeepAlive::fixed(Seconds(600));
  const VersionId v = hand.version(config);
  hand.finished(hand.busy(v, 1, 0), 1);
  EXPECT_EQ(hand.scheduler.nextTimer(), at(601));
  EXPECT_THAT(hand.advance(600.9), ElementsAre());
  EXPECT_THAT(hand.advance(601), ElementsAre(Kind::kStop));
  EXPECT_EQ(hand.out[0].reason, Reason::kIdle);
  EXPECT_EQ(hand.scheduler.nextTimer(), kNever);
}

TEST(Scheduler, LambdaKeepAlive) {
  Hand hand;
  VersionConfig config;
  config.keep_alive = KeepAlive::lambda2020();
  const VersionId v = hand.version(config);
  const InstanceId a = hand.busy(v, 1, 0), b = hand.busy(v, 2, 0);
  hand.finished(a, 1);
  hand.finished(b, 1);
  // While b works now and then, a may stay 1 200 s.
  for (double t = 300; t <= 900; t += 300) {
    EXPECT_EQ(hand.busy(v, 10, t), b);
    hand.finished(b, t + 1);
  }
  EXPECT_EQ(hand.scheduler.counts(v).idle, 2);
  EXPECT_THAT(hand.advance(1201), ElementsAre(Kind::kStop));
  EXPECT_EQ(hand.out[0].instance, a);
  // Nothing ran for 640 s: the function goes as a whole.
  EXPECT_THAT(hand.advance(901 + 639), ElementsAre());
  EXPECT_THAT(hand.advance(901 + 640), ElementsAre(Kind::kStop));
  EXPECT_EQ(hand.out[0].reason, Reason::kFunctionIdle);
}

TEST(Scheduler, LifetimeCap) {
  Hand hand;
  VersionConfig config;
  config.keep_alive = KeepAlive::lambda2020();
  const VersionId v = hand.version(config);
  const InstanceId first = hand.busy(v, 1, 0);
  hand.finished(first, 1);
  double changed = 0;
  for (double t = 60; t < 130 * 60 && changed == 0; t += 60) {
    const InstanceId i = hand.busy(v, 2, t);
    if (i != first) changed = t / 60;
    hand.finished(i, t + 1);
  }
  EXPECT_GE(changed, 100);
  EXPECT_LE(changed, 123);
}

TEST(Scheduler, HistogramPrewarms) {
  Hand hand;
  VersionConfig config;
  config.keep_alive = KeepAlive::hybridHistogram();
  const VersionId v = hand.version(config);
  // Once every 30 minutes: the fixed 10 minutes would always be cold.
  double t = 0;
  for (int n = 0; n < 12; ++n, t += 1800) hand.finished(hand.busy(v, n, t), t + 1);
  const uint64_t cold = hand.scheduler.counts(v).cold;
  // Now the instance goes at once and another one is started before the next arrival.
  EXPECT_EQ(hand.scheduler.liveInstances(), 0);
  const SteadyTime warm_at = hand.scheduler.nextTimer();
  EXPECT_LT(warm_at, at(t));
  EXPECT_GT(warm_at, at(t - 600));
  hand.out.clear();
  hand.scheduler.advance(warm_at, hand.out);
  ASSERT_THAT(hand.kinds(), ElementsAre(Kind::kStart));
  EXPECT_FALSE(hand.out[0].bound);
  hand.out.resize(1);
  EXPECT_TRUE(hand.scheduler.ready(hand.out[0].instance, warm_at, hand.out));
  EXPECT_THAT(hand.invoke(v, 99, t), ElementsAre(Kind::kDispatch));
  EXPECT_EQ(hand.scheduler.counts(v).cold, cold);
}

TEST(Scheduler, MemoryOfTheMachineEvictsTheLongestIdle) {
  AccountLimits limits;
  limits.memory_mb = 256;
  Hand hand(limits);
  const VersionId v = hand.version(), w = hand.version();
  const InstanceId a = hand.busy(v, 1, 0), b = hand.busy(v, 2, 0);
  EXPECT_THAT(hand.invoke(w, 3, 1), ElementsAre(Kind::kThrottle));
  hand.finished(b, 2);
  hand.finished(a, 3);
  EXPECT_THAT(hand.invoke(w, 4, 4), ElementsAre(Kind::kStop, Kind::kStart));
  EXPECT_EQ(hand.out[0].instance, b);
  EXPECT_EQ(hand.scheduler.memoryMb(), 256);
}

TEST(Scheduler, RetiredVersionEndsItsWork) {
  Hand hand;
  VersionConfig config;
  config.queue_limit = 1;
  const VersionId v = hand.version(config, 2);
  const InstanceId a = hand.busy(v, 1, 0), b = hand.busy(v, 2, 0);
  hand.invoke(v, 3, 0);
  hand.finished(a, 1);
  hand.out.clear();
  hand.scheduler.retireVersion(v, at(2), hand.out);
  EXPECT_THAT(hand.kinds(), ElementsAre());
  EXPECT_THAT(hand.finished(a, 3), ElementsAre(Kind::kStop));
  EXPECT_THAT(hand.finished(b, 3), ElementsAre(Kind::kStop));
  EXPECT_EQ(hand.scheduler.liveInstances(), 0);
}

TEST(TokenBucket, ContinuousAndNotSavedUp) {
  TokenBucket bucket(3, 10, Seconds(1));
  for (int n = 0; n < 3; ++n) EXPECT_TRUE(bucket.take(at(5)));
  EXPECT_FALSE(bucket.take(at(5)));
  EXPECT_EQ(bucket.nextAt(at(5)), at(5.1));
  EXPECT_TRUE(bucket.take(at(5.1)));
  int taken = 0;
  while (bucket.take(at(50))) ++taken;
  EXPECT_EQ(taken, 3);
}

}  // namespace
}  // namespace lectern::scheduling
