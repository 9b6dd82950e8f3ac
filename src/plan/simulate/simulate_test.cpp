#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "plan/simulate/closed_forms.h"
#include "plan/simulate/simulator.h"
#include "plan/simulate/vm_fleet.h"

namespace lectern::plan {
namespace {

Simulation simple(std::string_view policy = "lambda2026") {
  Simulation sim;
  sim.platform = *platformNamed(policy);
  sim.platform.account.burst = scheduling::Burst::none();
  sim.service.kind = Service::Kind::kExponential;
  sim.service.mean_ms = 1000;
  return sim;
}

TEST(Simulate, LossSystemMeetsErlangB) {
  // M/M/c/c: reserved concurrency c, no queue, starts take no time.
  const Trace trace = poissonTrace(8, 100'000, Random(5));
  Simulation sim = simple("fixed:1000000");
  sim.reserved = 10;
  sim.runs = 1;
  const auto out = simulate(trace, sim);
  ASSERT_TRUE(out) << out.error().message;
  const double lost = out->throttles.value / static_cast<double>(out->requests);
  EXPECT_NEAR(lost, erlangB(10, 8), 0.004);
  EXPECT_NEAR(out->mean_busy.value, 8 * (1 - erlangB(10, 8)), 0.05);
}

TEST(Simulate, QueueMeetsErlangC) {
  const Trace trace = poissonTrace(8, 200'000, Random(6));
  Simulation sim = simple("fixed:1000000");
  sim.reserved = 10;
  sim.queue_limit = 1'000'000;
  sim.runs = 1;
  const auto out = simulate(trace, sim);
  ASSERT_TRUE(out);
  // Mean time in the system of M/M/c: service plus C / (c mu - lambda).
  EXPECT_NEAR(out->mean_ms.value / 1000, 1 + erlangC(10, 8) / 2, 0.02);
  EXPECT_EQ(out->throttles.value, 0);
}

TEST(Simulate, UnlimitedServersMeetMGInfinity) {
  // The number in service is Poisson with mean lambda E[S], whatever the law of S.
  const Trace trace = poissonTrace(20, 20'000, Random(7));
  Simulation sim = simple();
  sim.service.kind = Service::Kind::kLognormal;
  sim.service.cv = 2;
  sim.runs = 1;
  const auto out = simulate(trace, sim);
  ASSERT_TRUE(out);
  EXPECT_NEAR(out->mean_busy.value, 20, 0.4);
  EXPECT_GE(out->mean_instances.value, out->mean_busy.value);
}

TEST(Simulate, ColdShareUnderFixedExpiryOfSparseLoad) {
  // Arrivals so sparse that one instance serves all: cold when the gap exceeds the idle time, e^(-lambda T).
  const Trace trace = poissonTrace(0.001, 40'000'000, Random(8));
  Simulation sim = simple("fixed:600");
  sim.service = {};
  sim.service.mean_ms = 0.001;
  sim.runs = 1;
  const auto out = simulate(trace, sim);
  ASSERT_TRUE(out);
  EXPECT_NEAR(out->cold_starts.value / out->calls.value, std::exp(-0.6), 0.01);
}

TEST(Simulate, ModelLoadsShareTheFileSystem) {
  // 20 cold starts at once, 100 MiB each, 100 MiB/s together: all end after 20 s; alone 0.2 s at 500 MiB/s.
  Simulation sim = simple();
  sim.service = {};
  sim.service.mean_ms = 1;
  sim.start.model_mib = 100;
  sim.start.load_in_handler = true;
  sim.file_system = {500, 100};
  const auto many = simulate(burstTrace(20, 1, Seconds(1)), sim);
  ASSERT_TRUE(many);
  EXPECT_NEAR(many->p50_ms.value, 20'001, 2);
  sim.file_system = {500, 10'000};
  const auto one = simulate(burstTrace(1, 1, Seconds(1)), sim);
  EXPECT_NEAR(one->p50_ms.value, 201, 2);
  // Load in the handler is billed with the call.
  EXPECT_NEAR(one->billed_ms.value, 201, 1);
}

/// One call on a new instance.
Outcome firstCall(std::string_view policy, double init_ms, double model_mib, int memory_mb = 3008) {
  Simulation sim = simple(policy);
  sim.service = {};
  sim.service.mean_ms = 90;
  sim.memory_mb = memory_mb;
  sim.start.init_ms = init_ms;
  sim.start.model_mib = model_mib;
  sim.file_system = {100, 100, policy == "lambda2026"};
  const auto out = simulate(burstTrace(1, 1, Seconds(1)), sim);
  EXPECT_TRUE(out);
  return out ? *out : Outcome{};
}

TEST(Simulate, InitIsBilledSinceAugust2025) {
  const Outcome now = firstCall("lambda2026", 400, 100);
  EXPECT_NEAR(now.p50_ms.value, 1490, 1);
  EXPECT_NEAR(now.billed_ms.value, 1490, 1);
  EXPECT_NEAR(now.billed_init_ms.value, 1400, 1);
  // 100 MiB read at 0.03 USD a GB.
  ASSERT_EQ(now.bill.size(), 3u);
  EXPECT_NEAR(now.bill[2].amount.usd(), 0.03 * 100 / 1024, 1e-9);
  const Outcome old = firstCall("lambda2020", 400, 100);
  EXPECT_NEAR(old.p50_ms.value, 1490, 1);
  EXPECT_EQ(old.billed_ms.value, 100);
  EXPECT_EQ(old.billed_init_ms.value, 0);
}

TEST(Simulate, InitPastTenSecondsIsDoneAgainInTheCall) {
  // 2 s of work and 20 s of reading: stopped after 10 s, then all of it inside the call.
  const Outcome out = firstCall("lambda2020", 2000, 2000);
  EXPECT_EQ(out.init_restarts.value, 1);
  EXPECT_NEAR(out.p50_ms.value, 10'000 + 22'090, 2);
  EXPECT_EQ(out.billed_ms.value, 22'100);
  EXPECT_EQ(out.billed_init_ms.value, 0);
  // Without the boost the work takes as long as the function's share of a core makes it.
  const Outcome slow = firstCall("lambda2026", 12'000, 0, 1024);
  EXPECT_NEAR(slow.p50_ms.value, 10'000 + 12'000 * 1769.0 / 1024 + 90, 2);
  EXPECT_EQ(slow.init_restarts.value, 1);
  EXPECT_EQ(firstCall("lambda2026", 7000, 200).init_restarts.value, 0);
}

TEST(Simulate, TimeoutEndsTheCallAndIsBilled) {
  Simulation sim = simple();
  sim.service = {};
  sim.service.mean_ms = 5000;
  sim.timeout = Seconds(3);
  const auto out = simulate(burstTrace(1, 3, Seconds(60)), sim);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->timeouts.value, 3);
  EXPECT_EQ(out->billed_ms.value, 9000);
  EXPECT_TRUE(out->latencies_ms.empty());
  EXPECT_EQ(out->cold_starts.value, 1);
}

TEST(Simulate, SameSeedSameResult) {
  const Trace trace = poissonTrace(5, 1000, Random(1));
  Simulation sim = simple("lambda2020");
  const auto a = simulate(trace, sim), b = simulate(trace, sim);
  EXPECT_EQ(a->cost_usd.value, b->cost_usd.value);
  EXPECT_EQ(a->p99_ms.value, b->p99_ms.value);
  sim.seed = 2;
  EXPECT_NE(simulate(trace, sim)->p99_ms.value, a->p99_ms.value);
}

TEST(Simulate, BatchesShareACall) {
  Simulation sim = simple();
  sim.service = {};
  sim.service.mean_ms = 100;
  sim.service.per_item_ms = 10;
  sim.batch = 10;
  sim.batch_wait = Millis(50);
  sim.runs = 1;
  const auto out = simulate(burstTrace(20, 2, Seconds(10)), sim);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->calls.value, 4);
  EXPECT_EQ(out->latencies_ms.size(), 40u);
  EXPECT_NEAR(out->p50_ms.value, 190, 0.1);
  EXPECT_EQ(out->billed_ms.value, 4 * 190);
}

TEST(Simulate, ProvisionedHasNoColdStarts) {
  Simulation sim = simple();
  sim.start.init_ms = 3000;
  sim.provisioned = 5;
  const auto out = simulate(burstTrace(5, 10, Seconds(100)), sim);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->cold_starts.value, 0);
}

TEST(Fleet, QueueOnOneMachine) {
  Fleet fleet;
  fleet.machine = *machineNamed("c7g.large");
  fleet.book = "aws-2026";
  Service service;
  service.mean_ms = 1000;
  const auto out = simulateFleet(burstTrace(10, 1, Seconds(1)), service, fleet, 1);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_NEAR(out->makespan_s.value, 5, 0.01);
  EXPECT_NEAR(out->cost_usd.value, 0.0725 / 60, 1e-9);
}

TEST(Fleet, HyperThreadsAddLess) {
  Fleet fleet;
  fleet.machine = *machineNamed("m5d.12xlarge");
  Service service;
  service.mean_ms = 1000;
  // 48 threads on 24 cores: 24 * 1.3 core-seconds a second.
  const auto out = simulateFleet(burstTrace(480, 1, Seconds(1)), service, fleet, 1);
  EXPECT_NEAR(out->makespan_s.value, 480 / 31.2, 0.05);
}

TEST(Fleet, T2RunsOutOfCredits) {
  Fleet fleet;
  fleet.machine = *machineNamed("t2.large");
  fleet.machine.cores = 2;
  Service service;
  service.mean_ms = 60'000;
  const Trace trace = burstTrace(200, 1, Seconds(1));
  // 60 launch credits and 0.6 earned a minute against 2 used: 42.9 minutes of full speed do 85.7 vCPU-minutes, the
  // other 114.3 go at 0.6 a minute.
  const auto standard = simulateFleet(trace, service, fleet, 1);
  EXPECT_NEAR(standard->makespan_s.value / 60, 42.86 + 114.29 / 0.6, 2);
  fleet.unlimited = true;
  const auto unlimited = simulateFleet(trace, service, fleet, 1);
  EXPECT_NEAR(unlimited->makespan_s.value / 60, 100, 0.1);
  EXPECT_GT(unlimited->cost_usd.value, 0.0928 * 100 / 60);
}

TEST(Recorded, ColdStartsOfLambda2020) {
  const char* given = std::getenv("LECTERN_DATA");
  const std::filesystem::path folder =
      std::filesystem::path(given != nullptr ? given : "../shared/data") / "traces/lambda2020";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no recorded runs in " << folder << " (set LECTERN_DATA)";
  double error = 0, z2 = 0;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto trace = readTrace(entry.path(), 1);
    ASSERT_TRUE(trace) << trace.error().message;
    Simulation sim;
    sim.platform = *platformNamed("lambda2020");
    adoptRecorded(*trace->recorded, sim);
    const auto out = simulate(*trace, sim);
    ASSERT_TRUE(out);
    const auto measured = static_cast<double>(trace->recorded->cold);
    const double off = out->cold_starts.value - measured;
    std::printf("%s: measured %.0f, simulated %.1f (%+.1f %%), p50 %.0f ms, p95 %.0f ms\n",
                entry.path().filename().c_str(), measured, out->cold_starts.value, 100 * off / measured,
                out->p50_ms.value, out->p95_ms.value);
    error += std::abs(off) / measured;
    z2 += off * off / measured;
    ++files;
  }
  ASSERT_GT(files, 0);
  std::printf("mean absolute error %.2f %%, rms z %.2f\n", 100 * error / files, std::sqrt(z2 / files));
  EXPECT_LE(error / files, 0.05);
  EXPECT_LT(std::sqrt(z2 / files), 1);
}

}  // namespace
}  // namespace lectern::plan
