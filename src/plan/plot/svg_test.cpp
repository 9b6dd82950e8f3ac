#include "plan/plot/svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace lectern::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Svg, TicksCoverTheRange) {
  EXPECT_THAT(axisTicks(0, 9, false), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(axisTicks(1, 1000, true), ElementsAre(1, 10, 100, 1000));
  EXPECT_THAT(axisTicks(3, 20, true), ElementsAre(2, 5, 10, 20));
  EXPECT_THAT(axisTicks(0.3, 0.3, true), testing::SizeIs(testing::Ge(1u)));
  EXPECT_THAT(axisTicks(5, 5, false), testing::SizeIs(testing::Ge(2u)));
}

TEST(Svg, DrawsWhatIsThereAndEscapes) {
  Chart chart;
  chart.title = "a < b & c";
  chart.y_log = true;
  chart.series = {{"one", {{1, 10}, {2, 0}, {3, NAN}, {4, 1000}}, {{9, 11}, {0, 0}, {1, 1}, {900, 1100}}, true}};
  const std::string svg = drawChart(chart);
  EXPECT_THAT(svg, HasSubstr("a &lt; b &amp; c"));
  EXPECT_THAT(svg, HasSubstr("stroke-dasharray"));
  EXPECT_THAT(svg, HasSubstr("polygon"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_THAT(drawChart({}), HasSubstr("</svg>"));
}

}  // namespace
}  // namespace lectern::plan
