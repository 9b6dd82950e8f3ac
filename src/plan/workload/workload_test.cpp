#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/workload/arrivals.h"

namespace lectern::plan {
namespace {

TEST(Trace, RecordedRun) {
  const auto trace = parseTrace(
      "t_s,cold,instance,duration_ms,billed_ms,max_mem_mb,client_ms\n"
      "0.000,0,0,1848.19,1900,53,1943.1\n5.5,1,1,1958.19,2000,54,2343.1\n9,0,1,,,,1950\n", "x.csv", 1);
  ASSERT_TRUE(trace) << trace.error().message;
  ASSERT_EQ(trace->arrivals.size(), 3u);
  EXPECT_EQ(trace->arrivals[1].t_nanos, 5'500'000'000);
  EXPECT_FLOAT_EQ(trace->arrivals[0].work_ms, 1848.19F);
  EXPECT_LT(trace->arrivals[1].work_ms, 0);
  EXPECT_LT(trace->arrivals[2].work_ms, 0);
  ASSERT_TRUE(trace->recorded);
  EXPECT_EQ(trace->recorded->cold, 1);
  EXPECT_NEAR(trace->recorded->cold_extra_ms, 110, 0.01);
}

TEST(Trace, OtherFormats) {
  const auto rows = parseTrace("start_s,duration_s,app,function\n3,0.5,0,7\n1,2,0,9\n", "x", 1);
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->functions, 2u);
  EXPECT_EQ(rows->arrivals[0].t_nanos, 0);
  EXPECT_FLOAT_EQ(rows->arrivals[0].work_ms, 2000);
  const auto azure = parseTrace("app,func,end_timestamp,duration\na,f,10,4\na,g,8,1\n", "x", 1);
  ASSERT_TRUE(azure);
  EXPECT_EQ(azure->arrivals[1].t_nanos, 1'000'000'000);
  const auto counts = parseTrace("function,avg_ms,min1,min2\n0,100,3,4\n1,50,0,1\n", "x", 1);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->arrivals.size(), 8u);
  const auto tokens = parseTrace("t_s,context_tokens,generated_tokens\n0,100,10\n", "x", 1);
  ASSERT_TRUE(tokens);
  EXPECT_FLOAT_EQ(tokens->arrivals[0].work_ms, 300);
}

TEST(Trace, FaultsNameTheLine) {
  EXPECT_EQ(parseTrace("t_s\n1\nx\n", "a.csv", 1).error().message, "a.csv:3: the time is missing or no number");
  EXPECT_FALSE(parseTrace("", "a", 1));
  EXPECT_FALSE(parseTrace("what,is\n1,2\n", "a", 1));
  EXPECT_FALSE(parseTrace("t_s\n", "a", 1));
  EXPECT_FALSE(parseTrace("function,avg_ms,min1\n0,1,1e300\n", "a", 1));
  EXPECT_FALSE(parseTrace("t_s\nnan\n", "a", 1));
}

TEST(Trace, WhatIsUnreadableIsNotUnknown) {
  const auto fault = [](std::string_view text) {
    const auto trace = parseTrace(text, "a.csv", 1);
    return trace ? "no fault" : trace.error().message;
  };
  EXPECT_EQ(fault("t_s,duration_ms\n0,12\n1,twelve\n"),
            "a.csv:3: duration_ms is 'twelve', no number from 0 on; leave it empty when it is not known");
  EXPECT_EQ(fault("t_s,duration_ms\n0,-5\n"),
            "a.csv:2: duration_ms is '-5', no number from 0 on; leave it empty when it is not known");
  EXPECT_EQ(fault("t_s,duration_ms\n0,inf\n"),
            "a.csv:2: duration_ms is 'inf', no number from 0 on; leave it empty when it is not known");
  EXPECT_EQ(fault("t_s,duration_ms,function\n0,12\n"), "a.csv:2: 2 fields where the header has 3");
  EXPECT_THAT(fault("start_s,duration_s,app,function\n0,1s,0,0\n"), testing::HasSubstr("a.csv:2: duration_s is '1s'"));
  EXPECT_THAT(fault("app,func,end_timestamp,duration\na,f,10,x\n"), testing::HasSubstr("a.csv:2: duration is 'x'"));
  EXPECT_THAT(fault("t_s,context_tokens,generated_tokens\n0,100,many\n"), testing::HasSubstr("generated_tokens is 'many'"));
  EXPECT_THAT(fault("function,avg_ms,min1\n0,soon,1\n"), testing::HasSubstr("a.csv:2: avg_ms is 'soon'"));
  const std::string recorded = "t_s,cold,instance,duration_ms,billed_ms,max_mem_mb,client_ms\n";
  EXPECT_EQ(fault(recorded + "0,yes,0,10,100,53,12\n"), "a.csv:2: cold is 'yes', not 0 or 1");
  EXPECT_THAT(fault(recorded + "0,0,0,10,100,53,fast\n"), testing::HasSubstr("client_ms is 'fast'"));
  EXPECT_THAT(fault(recorded + "0,0,0,10,100,1e300,12\n"), testing::HasSubstr("max_mem_mb"));
  const auto empty = parseTrace("t_s,duration_ms\n0,\n", "a.csv", 1);
  ASSERT_TRUE(empty);
  EXPECT_LT(empty->arrivals[0].work_ms, 0);
}

TEST(Arrivals, PoissonHasItsRate) {
  const Trace trace = poissonTrace(100, 1000, Random(3));
  EXPECT_NEAR(static_cast<double>(trace.arrivals.size()), 100'000, 1200);
}

TEST(Arrivals, BatchesCloseAtSizeOrTime) {
  std::vector<Arrival> arrivals;
  for (const int64_t ms : {0, 1, 2, 3, 100, 250}) arrivals.push_back({ms * 1'000'000, -1, 0});
  const auto batches = batchArrivals(arrivals, 3, Millis(50));
  ASSERT_EQ(batches.size(), 4u);
  EXPECT_EQ(batches[0].count, 3u);
  EXPECT_EQ(batches[0].t_nanos, 2'000'000);
  EXPECT_EQ(batches[1].count, 1u);
  EXPECT_EQ(batches[1].t_nanos, 53'000'000);
  EXPECT_EQ(batches[3].t_nanos, 300'000'000);
}

}  // namespace
}  // namespace lectern::plan
