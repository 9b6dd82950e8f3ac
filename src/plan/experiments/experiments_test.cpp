#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/files.h"
#include "plan/experiments/report.h"

namespace lectern::plan {
namespace {

Calibration calibration() {
  Calibration c;
  c.page_ms = 900;
  c.load_ms = 700;
  c.source = "a test";
  c.batch_seconds = {{1, 1.0}, {2, 1.1}};
  return c;
}

TEST(Experiments, EveryFigureHasFinitePointsAndClaims) {
  for (int number = 3; number <= 7; ++number) {
    const auto figure = computeFigure(number, calibration());
    ASSERT_TRUE(figure) << figure.error().message;
    EXPECT_FALSE(figure->claims.empty());
    for (const Curve& curve : figure->curves) {
      EXPECT_FALSE(curve.points.empty()) << curve.name;
      for (const auto& [x, y] : curve.points) EXPECT_TRUE(std::isfinite(y) && y > 0) << curve.name << " at " << x;
    }
    for (const Claim& claim : figure->claims) {
      std::printf("fig%d: %s: %s\n", number, claim.text.c_str(), claim.holds ? "holds" : "does not hold");
    }
  }
  EXPECT_FALSE(computeFigure(2, calibration()));
}

TEST(Experiments, MeasuredIsMarked) {
  const auto figure = computeFigure(3, calibration());
  ASSERT_TRUE(figure);
  EXPECT_THAT(figureCsv(*figure), testing::HasSubstr("3,\"this machine, in one process\",measured,2,1.1\n"));
  EXPECT_THAT(figureText(*figure, calibration()), testing::HasSubstr("Measured here"));
}

TEST(Experiments, FilesAreWritten) {
  auto folder = TempDir::create();
  ASSERT_TRUE(folder);
  const auto figure = computeFigure(6, calibration());
  ASSERT_TRUE(writeFigures({*figure}, calibration(), folder->path() / "out"));
  for (const char* name : {"fig6.csv", "fig6.svg", "report.html"}) {
    EXPECT_TRUE(std::filesystem::exists(folder->path() / "out" / name)) << name;
  }
}

}  // namespace
}  // namespace lectern::plan
