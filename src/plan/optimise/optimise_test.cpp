#include "plan/optimise/optimise.h"

#include <gtest/gtest.h>

namespace lectern::plan {
namespace {

double law(int memory, int batch) { return (50 + 100.0 * batch) / std::min(1.0, memory / 1769.0); }

TEST(Optimise, FasterCostsMoreAndTheLimitDecides) {
  Simulation base;
  base.platform = *platformNamed("lambda2026");
  base.runs = 1;
  const Trace trace = poissonTrace(2, 2000, Random(4));
  Grid grid;
  grid.machines = {{"c7g.large", 1}};
  const auto choices = explore(trace, base, grid, law);
  ASSERT_TRUE(choices) << choices.error().message;
  EXPECT_EQ(choices->size(), 13u);
  const Choice* fast = cheapestWithin(*choices, 160);
  ASSERT_NE(fast, nullptr);
  EXPECT_EQ(fast->batch, 1);
  EXPECT_LE(fast->p95_ms, 160);
  const Choice* cheap = cheapestWithin(*choices, 0);
  EXPECT_LE(cheap->cost_usd.value, fast->cost_usd.value);
  EXPECT_EQ(cheapestWithin(*choices, 10), nullptr);
  // Above one vCPU memory buys nothing for one thread: the larger size is never the better choice.
  for (const Choice& c : *choices) {
    if (c.memory_mb == 3008) {
      EXPECT_FALSE(c.pareto) << c.name();
    }
  }
}

}  // namespace
}  // namespace lectern::plan
