#include "reader/detect/db.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace lectern::reader {
namespace {

TEST(DbTest, BlobsBecomeGrownRegions) {
  const int w = 200, h = 100;
  std::vector<float> map(static_cast<size_t>(w * h), 0.0f);
  for (int y = 40; y < 50; ++y) {
    for (int x = 20; x < 120; ++x) map[static_cast<size_t>(y * w + x)] = 0.9f;
  }
  // A weak blob and a speck are no text.
  for (int y = 80; y < 90; ++y) {
    for (int x = 20; x < 120; ++x) map[static_cast<size_t>(y * w + x)] = 0.35f;
  }
  map[0] = 1.0f;
  const auto regions = regionsOfMap(map.data(), w, h, 2.0, 2.0, DbOptions());
  ASSERT_EQ(regions.size(), 1u);
  const Box box = regions[0].box;
  EXPECT_NEAR(box.centerX(), 139, 3);
  EXPECT_NEAR(box.centerY(), 89, 3);
  EXPECT_NEAR(box.height(), 42, 4);
  EXPECT_NEAR(box.width(), 221, 5);
  EXPECT_NEAR(regions[0].score, 0.9, 0.02);
}

TEST(DbTest, TheOrderIsFixed) {
  TextRegion a, b;
  a.box = {50, 10, 60, 20};
  b.box = {10, 10, 20, 20};
  std::vector<TextRegion> regions = {a, b};
  sortRegions(regions);
  EXPECT_EQ(regions[0].box, b.box);
}

}  // namespace
}  // namespace lectern::reader
