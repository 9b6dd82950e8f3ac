#include "reader/detect/by_print.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "model/files.h"

namespace lectern::reader {
namespace {

/// Rows of upright bars, as letters of `height` px stand.
Image letters(int height) {
  Image page;
  page.width = 640, page.height = 480;
  page.pixels.assign(static_cast<size_t>(page.width) * static_cast<size_t>(page.height), 250);
  const int pitch = std::max(4, height * 2 / 3);
  for (int y = 20; y + height < page.height - 20; y += 3 * height) {
    for (int x = 20; x + pitch < page.width - 20; x += pitch) {
      for (int dy = 0; dy < height; ++dy) {
        for (int dx = 0; dx < std::max(2, pitch / 3); ++dx) {
          page.pixels[static_cast<size_t>(y + dy) * static_cast<size_t>(page.width) + static_cast<size_t>(x + dx)] = 20;
        }
      }
    }
  }
  return page;
}

std::vector<Box> boxes(const Detector& detector, const Image& page) {
  auto regions = detector.detect(page);
  EXPECT_TRUE(regions);
  std::vector<Box> out;
  if (regions) {
    for (const auto& region : *regions) out.push_back(region.box);
  }
  return out;
}

TEST(DetectorByPrintTest, OrdinaryPrintGoesToCtpnAndSmallPrintToDb) {
  for (const char* name : {"ctpn-small", "ppocr-v4-det-mobile"}) {
    if (!model::findModel(name)) GTEST_SKIP() << "the model " << name << " is not here (tools/fetch_assets)";
  }
  auto both = DetectorByPrint::create(false);
  auto ctpn = CtpnDetector::create({});
  auto db = DbDetector::create({});
  ASSERT_TRUE(both && ctpn && db);
  const Image ordinary = letters(24), small = letters(9);
  ASSERT_NE(boxes(**ctpn, ordinary), boxes(**db, ordinary));
  ASSERT_NE(boxes(**ctpn, small), boxes(**db, small));
  EXPECT_EQ(boxes(**both, ordinary), boxes(**ctpn, ordinary));
  EXPECT_EQ(boxes(**both, small), boxes(**db, small));
  auto loaded = DetectorByPrint::create(true);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(boxes(**loaded, small), boxes(**db, small));
  ASSERT_EQ((*both)->models().size(), 3u);
  EXPECT_EQ((*both)->models().back().sha256, (*db)->models()[0].sha256);
  EXPECT_EQ((*both)->models()[0].role, "detector");
}

}  // namespace
}  // namespace lectern::reader
