#include "reader/detect/ctpn.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "model/files.h"

namespace lectern::reader {
namespace {

/// A map without text; `write` puts a line of text in as the network would.
class Anchors {
 public:
  Anchors(int rows, int columns) {
    map.heights = {16, 33};
    map.row_stride = 8;
    map.column = 16;
    map.rows = rows;
    map.columns = columns;
    map.values.assign(8 * static_cast<size_t>(rows) * static_cast<size_t>(columns), 0.0f);
    std::fill_n(map.values.begin(), 2 * static_cast<size_t>(rows) * static_cast<size_t>(columns), -8.0f);
  }
  /// Text at the second anchor in columns [c0, c1), its middle at y, `height` tall.
  void write(int c0, int c1, float y, float height, float slope = 0, float left = -0.5f, float right = 0.5f) {
    for (int c = c0; c < c1; ++c) {
      const float middle = y + slope * 16 * static_cast<float>(c - c0);
      const int row = static_cast<int>(middle / 8);
      set(1, row, c, 4.0f);
      set(3, row, c, (middle - (static_cast<float>(row) + 0.5f) * 8) / 33);
      set(5, row, c, std::log(height / 33));
      if (c == c0) set(7, row, c, left);
      if (c == c1 - 1) set(7, row, c, right);
    }
  }
  void set(size_t plane, int row, int col, float value) {
    map.values[(plane * static_cast<size_t>(map.rows) + static_cast<size_t>(row)) * static_cast<size_t>(map.columns) +
               static_cast<size_t>(col)] = value;
  }
  AnchorMap map;
};

TEST(CtpnDecodeTest, ColumnsOfALineBecomeOneBoxWithRefinedEnds) {
  Anchors a(20, 30);
  a.write(3, 10, 60, 24, 0, -0.25f, 0.125f);
  const auto lines = linesOfAnchors(a.map, {});
  ASSERT_EQ(lines.size(), 1u);
  const auto& q = lines[0].quad;
  EXPECT_NEAR(q[0].x, 3 * 16 + 8 - 4, 0.01);
  EXPECT_NEAR(q[1].x, 9 * 16 + 8 + 2, 0.01);
  EXPECT_NEAR(q[0].y, 48, 0.1);
  EXPECT_NEAR(q[3].y, 72, 0.1);
  EXPECT_NEAR(lines[0].score, 1 / (1 + std::exp(-4.0)), 1e-4);
}

TEST(CtpnDecodeTest, AWideGapPartsALineAndANarrowOneDoesNot) {
  Anchors narrow(20, 40);
  narrow.write(2, 8, 60, 24);
  narrow.write(9, 14, 60, 24);
  EXPECT_EQ(linesOfAnchors(narrow.map, {.gap = 0.7}).size(), 1u);
  Anchors wide(20, 40);
  wide.write(2, 8, 60, 24);
  wide.write(11, 16, 60, 24);
  EXPECT_EQ(linesOfAnchors(wide.map, {.gap = 0.7}).size(), 2u);
  EXPECT_EQ(linesOfAnchors(wide.map, {.gap = 2.0}).size(), 1u);
}

TEST(CtpnDecodeTest, DenseLinesStayApartAndSinglesAreKeptWhenSure) {
  Anchors a(30, 30);
  a.write(2, 12, 60, 20);
  a.write(2, 12, 84, 20);
  a.write(20, 21, 140, 24);  // a page number of one column
  EXPECT_EQ(linesOfAnchors(a.map, {}).size(), 3u);
  EXPECT_EQ(linesOfAnchors(a.map, {.single_score_min = 0.99f}).size(), 2u);
}

TEST(CtpnDecodeTest, ASlopeBecomesAnOrientedQuad) {
  Anchors a(40, 40);
  a.write(2, 30, 100, 24, 0.05f);
  const auto lines = linesOfAnchors(a.map, {});
  ASSERT_EQ(lines.size(), 1u);
  const auto& q = lines[0].quad;
  EXPECT_NEAR((q[1].y - q[0].y) / (q[1].x - q[0].x), 0.05, 0.005);
  EXPECT_NEAR(lines[0].height, 24, 0.5);
}

TEST(CtpnDecodeTest, NonsenseFromTheNetworkGivesNoNonsense) {
  Anchors a(10, 10);
  std::fill(a.map.values.begin(), a.map.values.end(), std::nanf(""));
  EXPECT_TRUE(linesOfAnchors(a.map, {}).empty());
  std::fill(a.map.values.begin(), a.map.values.end(), 50.0f);
  for (const auto& line : linesOfAnchors(a.map, {})) {
    for (const auto& p : line.quad) EXPECT_TRUE(std::isfinite(p.x) && std::isfinite(p.y));
  }
}

TEST(CtpnDecodeTest, AnchorHeightsAreChecked) {
  EXPECT_EQ(*parseAnchorHeights("11,16,283"), (std::vector<float>{11, 16, 283}));
  for (const char* bad : {"", "0", "-3", "11,,16", "eleven", "11;16"}) EXPECT_FALSE(parseAnchorHeights(bad)) << bad;
}

/// Bars of `height` px in rows, like capitals.
Image barPage(int width, int height, int letter, uint8_t ground, uint8_t ink) {
  Image page;
  page.width = width;
  page.height = height;
  page.pixels.assign(static_cast<size_t>(width * height), ground);
  for (int y = letter; y + letter < height; y += 2 * letter) {
    for (int x = 20; x + letter < width - 20; x += letter) {
      for (int dy = 0; dy < letter; ++dy) std::fill_n(page.row(y + dy) + x, letter / 2, ink);
    }
  }
  return page;
}

TEST(TextHeightTest, LettersGiveTheScaleOnLightAndDarkPages) {
  for (const int letter : {8, 20, 45}) {
    const auto light = measureText(barPage(800, 900, letter, 250, 20));
    EXPECT_NEAR(light.line_height, letter * 1.2, letter * 0.25) << letter;
    EXPECT_FALSE(light.dark_ground);
    const auto dark = measureText(barPage(800, 900, letter, 10, 240));
    EXPECT_NEAR(dark.line_height, letter * 1.2, letter * 0.25) << letter;
    EXPECT_TRUE(dark.dark_ground);
  }
}

TEST(TextHeightTest, ABlankPageHasNone) {
  EXPECT_EQ(measureText(barPage(300, 200, 190, 255, 255)).line_height, 0);
}

class CtpnModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!model::findModel("ctpn-small")) GTEST_SKIP() << "models/ctpn-small.onnx is not here";
    auto made = CtpnDetector::create({});
    ASSERT_TRUE(made) << made.error().message;
    detector_ = std::move(*made);
  }
  std::unique_ptr<CtpnDetector> detector_;
};

TEST_F(CtpnModelTest, ABlankPageHasNoText) {
  auto regions = detector_->detect(barPage(640, 400, 390, 255, 255));
  ASSERT_TRUE(regions) << regions.error().message;
  EXPECT_TRUE(regions->empty());
}

TEST_F(CtpnModelTest, StripsGiveWhatTheWholePageGives) {
  const Image page = barPage(500, 1400, 20, 245, 30);
  auto cut = CtpnDetector::create({.strip_pixels = 1000});
  ASSERT_TRUE(cut);
  auto whole = detector_->detect(page);
  auto strips = (*cut)->detect(page);
  ASSERT_TRUE(whole && strips);
  ASSERT_EQ(whole->size(), strips->size());
  for (size_t i = 0; i < whole->size(); ++i) {
    EXPECT_GT(intersectionOverUnion((*whole)[i].box, (*strips)[i].box), 0.9) << i;
  }
}

TEST_F(CtpnModelTest, ThePapersNetworkFindsTheSameLines) {
  if (!model::findModel("ctpn-vgg16")) GTEST_SKIP() << "models/ctpn-vgg16.onnx is not here";
  auto papers = CtpnDetector::create({.model = "ctpn-vgg16"});
  ASSERT_TRUE(papers) << papers.error().message;
  Image page;
  page.width = 420, page.height = 260;
  page.pixels.assign(static_cast<size_t>(page.width) * static_cast<size_t>(page.height), 245);
  cv::Mat drawn(page.height, page.width, CV_8U, page.pixels.data());
  const char* rows[] = {"HARBOUR STATIONERY", "Blue ink, six bottles", "TOTAL AMOUNT 74.82", "Thank you, come again"};
  for (int i = 0; i < 4; ++i) {
    cv::putText(drawn, rows[i], {30, 50 + 55 * i}, cv::FONT_HERSHEY_DUPLEX, 0.9, 20, 1, cv::LINE_AA);
  }
  const auto small = detector_->detect(page);
  const auto found = (*papers)->detect(page);
  ASSERT_TRUE(small && found);
  ASSERT_EQ(small->size(), 4u);
  ASSERT_EQ(found->size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_GT(intersectionOverUnion((*small)[i].box, (*found)[i].box), 0.6) << i;
}

}  // namespace
}  // namespace lectern::reader
