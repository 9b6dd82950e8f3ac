#include "reader/frame.h"

#include <gtest/gtest.h>

namespace lectern::reader {
namespace {

Page straightPage() {
  Page page;
  page.width = 1020;
  page.height = 1420;
  for (const Box& box : {Box{100, 200, 220, 230}, Box{800, 210, 900, 240}, Box{500, 1300, 560, 1325}}) {
    Word word;
    word.text = "word";
    word.box = box;
    page.words.push_back(word);
    Line line;
    line.box = box;
    line.quad = quadOf(box);
    page.lines.push_back(line);
  }
  return page;
}

TEST(FrameTest, TiltedBoxesAreHullsAboutTheCommonCentre) {
  Page page = straightPage();
  tiltPage(page, 3, 1000, 1400);
  EXPECT_EQ(page.width, 1000);
  EXPECT_EQ(page.height, 1400);
  EXPECT_EQ(page.skew_degrees, 3);
  // Turned clockwise, what stands left of the centre rises and what stands right of it falls.
  EXPECT_NEAR(page.words[0].box.centerY(), 215 - 10 - 18, 4);
  EXPECT_NEAR(page.words[1].box.centerY(), 225 - 10 + 18, 4);
  EXPECT_GE(page.words[0].box.height(), 30);
  // The quad keeps the text's own height and direction.
  const Quad& quad = page.lines[0].quad;
  EXPECT_NEAR(quad[1].y - quad[0].y, 120 * 0.0523, 0.5);
  EXPECT_EQ(boundsOf(quad), page.lines[0].box);
}

TEST(FrameTest, WhileTheFrameLivesThePageStandsStraight) {
  Document document;
  document.pages = {straightPage(), straightPage()};
  tiltPage(document.pages[0], -6, 1000, 1400);
  const Page tilted = document.pages[0];
  {
    const StraightFrame straight(document);
    for (size_t i = 0; i < tilted.words.size(); ++i) {
      const Box& back = document.pages[0].words[i].box;
      const Box& before = document.pages[1].words[i].box;
      EXPECT_NEAR(back.centerX(), before.centerX() - 10, 1.5);
      EXPECT_NEAR(back.centerY(), before.centerY() - 10, 1.5);
      EXPECT_NEAR(back.height(), before.height(), 3);
      EXPECT_NEAR(back.width(), before.width(), 3);
    }
  }
  for (size_t i = 0; i < tilted.words.size(); ++i) {
    EXPECT_EQ(document.pages[0].words[i].box, tilted.words[i].box);
    EXPECT_EQ(document.pages[0].lines[i].box, tilted.lines[i].box);
  }
}

TEST(FrameTest, ScalingGoesForEverything) {
  Page page = straightPage();
  scalePage(page, 2);
  EXPECT_EQ(page.width, 2040);
  EXPECT_EQ(page.words[0].box, (Box{200, 400, 440, 460}));
  EXPECT_EQ(page.lines[0].quad, quadOf({200, 400, 440, 460}));
}

}  // namespace
}  // namespace lectern::reader
