#include "reader/image/prepare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "reader/image/image_of.h"

namespace lectern::reader {
namespace {

/// Lines of print, dark on light.
Image printedPage() {
  cv::Mat canvas(700, 500, CV_8U, cv::Scalar(250));
  for (int i = 0; i < 16; ++i) {
    cv::putText(canvas, i % 2 == 0 ? "Delivery note of the goods" : "sent on the 24th", {40, 60 + 38 * i},
                cv::FONT_HERSHEY_SIMPLEX, 0.8, cv::Scalar(20), 2, cv::LINE_AA);
  }
  return imageOf(canvas);
}

Image inverted(Image page) {
  for (auto& p : page.pixels) p = static_cast<uint8_t>(255 - p);
  return page;
}

TEST(PrepareTest, AnOrdinaryPageStaysAsItIs) {
  const Prepared done = prepare(printedPage());
  EXPECT_FALSE(done.image);
  EXPECT_EQ(done.quarters, 0);
  EXPECT_EQ(done.straightened_degrees, 0);
}

TEST(PrepareTest, BlankAndTinyPagesStayAsTheyAre) {
  for (const int side : {1, 3, 20, 400}) {
    for (const int grey : {0, 128, 255}) {
      const Prepared done = prepare(imageOf(cv::Mat(side, side, CV_8U, cv::Scalar(grey))));
      EXPECT_EQ(done.quarters, 0) << side;
      EXPECT_EQ(done.straightened_degrees, 0) << side;
    }
  }
}

TEST(PrepareTest, SidewaysPagesAreTurned) {
  for (const int quarters : {1, 3}) {
    const Image page = turned(printedPage(), quarters);
    EXPECT_TRUE(lookAt(page).sideways) << quarters;
    const Prepared done = prepare(page);
    ASSERT_TRUE(done.image) << quarters;
    EXPECT_EQ(done.image->width, 500);
    EXPECT_EQ(done.image->rotation, (90 * quarters + 90) % 360);
  }
}

TEST(PrepareTest, TurningFourTimesChangesNothing) {
  const Image page = printedPage();
  EXPECT_EQ(turned(turned(page, 1), 3).pixels, page.pixels);
  EXPECT_EQ(turned(turned(page, 2), -2).pixels, page.pixels);
  // Clockwise: what was at the top left comes to the top right.
  Image corner = imageOf(cv::Mat(4, 6, CV_8U, cv::Scalar(255)));
  corner.row(0)[0] = 0;
  EXPECT_EQ(turned(corner, 1).row(0)[3], 0);
}

TEST(PrepareTest, TheSlopeOfLinesIsMeasuredAndTakenAway) {
  for (const double degrees : {-6.0, -2.5, 2.0, 5.0}) {
    for (const int quarters : {0, 1}) {
      const Image page = turned(straightened(printedPage(), -degrees, 250), quarters);
      const PageLook look = lookAt(page);
      EXPECT_NEAR(look.skew_degrees, degrees, 0.21);
      EXPECT_EQ(look.sideways, quarters == 1) << degrees;
      const Prepared done = prepare(page);
      ASSERT_TRUE(done.image);
      EXPECT_EQ(done.straightened_degrees, look.skew_degrees);
      EXPECT_NEAR(lookAt(*done.image).skew_degrees, 0, 0.3);
    }
  }
}

TEST(PrepareTest, LightTextOnDarkIsInverted) {
  const Prepared done = prepare(inverted(printedPage()));
  ASSERT_TRUE(done.image);
  EXPECT_EQ(done.image->pixels, printedPage().pixels);
}

TEST(PrepareTest, DirtGoesAndStrokesStay) {
  const Image clean = printedPage();
  Image dirty = clean;
  for (int y = 3; y < dirty.height; y += 9) {
    for (int x = 4; x < dirty.width; x += 11) dirty.row(y)[x] = 0;
  }
  EXPECT_LT(lookAt(clean).specks, 0.001);
  EXPECT_GT(lookAt(dirty).specks, 0.003);
  const Prepared done = prepare(dirty);
  ASSERT_TRUE(done.image);
  EXPECT_LT(lookAt(*done.image).specks, 0.0005);
  EXPECT_EQ(despeckled(clean).pixels, clean.pixels);
}

}  // namespace
}  // namespace lectern::reader
