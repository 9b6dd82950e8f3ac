#include "reader/detect/gaps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <opencv2/core.hpp>

#include "model/files.h"
#include "model/session.h"

namespace lectern::reader {
namespace {

/// A judge by the gap's width in line heights alone.
GapJudge widerThan(float limit) {
  return [limit](std::span<const RowGap> gaps) -> Result<std::vector<float>> {
    std::vector<float> parts;
    for (const auto& gap : gaps) parts.push_back(gap.features[0] > limit ? 1 : 0);
    return parts;
  };
}

std::vector<FoundLine> cut(const cv::Mat& grey, const std::vector<FoundLine>& lines, float limit) {
  auto out = cutAtGaps(lines, inksOf(grey, lines, 0), widerThan(limit));
  EXPECT_TRUE(out);
  return out ? std::move(*out) : std::vector<FoundLine>{};
}

FoundLine lineAt(const Box& box) {
  FoundLine line;
  line.quad = quadOf(box);
  line.height = static_cast<float>(box.height());
  return line;
}

/// Strokes from x0 to x1 in a line of 24 px at y.
void write(cv::Mat& grey, int x0, int x1, int y, int ink) {
  for (int x = x0; x < x1; x += 8) grey(cv::Rect(x, y + 2, 3, 20)).setTo(cv::Scalar(ink));
}

TEST(GapsTest, WhiteSpacePartsALineWhereTheJudgeSaysSo) {
  for (const int ground : {240, 30}) {
    cv::Mat grey(60, 400, CV_8U, cv::Scalar(ground));
    write(grey, 40, 120, 18, 255 - ground);
    write(grey, 160, 300, 18, 255 - ground);
    const auto line = lineAt({38, 18, 302, 42});
    const auto parts = cut(grey, {line}, 1);
    ASSERT_EQ(parts.size(), 2u) << ground;
    EXPECT_NEAR(parts[0].quad[1].x, 115 + 2.4, 1.5);
    EXPECT_NEAR(parts[1].quad[0].x, 160 - 2.4, 1.5);
    EXPECT_NEAR(parts[0].quad[0].x, 38, 1);
    EXPECT_NEAR(parts[1].quad[1].x, 302, 1);
    EXPECT_EQ(cut(grey, {line}, 2.5).size(), 1u);
  }
}

TEST(GapsTest, LinesSideBySideAreJoinedWhereTheJudgeSaysSo) {
  cv::Mat grey(120, 400, CV_8U, cv::Scalar(240));
  write(grey, 40, 120, 18, 10);
  write(grey, 140, 300, 20, 10);
  write(grey, 40, 120, 68, 10);  // another row
  const std::vector<FoundLine> lines = {lineAt({38, 18, 120, 42}), lineAt({138, 20, 302, 44}), lineAt({38, 68, 120, 92})};
  EXPECT_EQ(cut(grey, lines, 0.5f).size(), 3u);
  const auto joined = cut(grey, lines, 1.5);
  ASSERT_EQ(joined.size(), 2u);
  EXPECT_EQ(boundsOf(joined[0].quad), (Box{38, 18, 302, 44}));
}

TEST(GapsTest, NarrowLinesInOnePlaceAreNotLost) {
  cv::Mat grey(60, 400, CV_8U, cv::Scalar(240));
  write(grey, 40, 49, 18, 10);
  const std::vector<FoundLine> twice = {lineAt({38, 18, 53, 42}), lineAt({38, 18, 53, 42})};
  // Each stands where the other begins: joined to each other they must not make a ring that begins nowhere.
  const auto joined = cut(grey, twice, 100);
  ASSERT_EQ(joined.size(), 1u);
  EXPECT_EQ(boundsOf(joined[0].quad), (Box{38, 18, 53, 42}));
}

TEST(GapsTest, TheJudgeIsToldOfTheNetworksDoubtAndOfColumns) {
  cv::Mat grey(200, 400, CV_8U, cv::Scalar(240));
  std::vector<FoundLine> lines;
  for (int y = 18; y < 180; y += 40) {
    write(grey, 40, 120, y, 10);
    write(grey, 144, 300, y, 10);
    lines.push_back(lineAt({38, y, 302, y + 24}));
    lines.back().column_width = 8;
    lines.back().first_column = 4;
    lines.back().columns.assign(34, 0.999f);
  }
  lines[1].columns[16 - 4] = 0.05f;
  const Inks inks = inksOf(grey, lines, 0);
  ASSERT_EQ(inks.gaps.size(), 5u);
  EXPECT_LT(inks.gaps[0].features[kOddsFeature], -4);
  EXPECT_GT(inks.gaps[1].features[kOddsFeature], 2);
  for (const auto& gap : inks.gaps) {
    EXPECT_NEAR(gap.features[0], 29.0 / 24, 0.01);
    EXPECT_EQ(gap.features[15], 5);  // pieces that start where the right one does
  }
  EXPECT_EQ(inks.gaps[2].features[16], 4);  // of them in other rows near
  EXPECT_EQ(inks.gaps[2].features[19], 0);  // rows with ink in the middle of the gap
}

TEST(GapsTest, LinesOutsideOfThePageOrWithoutContrastStayWhole) {
  const cv::Mat grey(60, 400, CV_8U, cv::Scalar(200));
  for (const Box& box : {Box{10, 10, 200, 34}, Box{-50, -30, 900, 90}, Box{500, 500, 600, 524}}) {
    EXPECT_EQ(cut(grey, {lineAt(box)}, 1).size(), 1u);
  }
  EXPECT_TRUE(cut(grey, {}, 1).empty());
}

TEST(GapsTest, TheTrainedJudgePartsWideGapsAndKeepsWordsTogether) {
  const auto file = model::findModel("ctpn-gaps");
  if (!file) GTEST_SKIP() << "models/ctpn-gaps.onnx is not here";
  auto session = model::Session::load(file->path, {});
  ASSERT_TRUE(session) << session.error().message;
  cv::Mat grey(60, 600, CV_8U, cv::Scalar(240));
  write(grey, 40, 120, 18, 10);
  write(grey, 132, 240, 18, 10);
  write(grey, 400, 480, 18, 10);
  auto line = lineAt({38, 18, 482, 42});
  line.column_width = 8;
  line.first_column = 4;
  line.columns.assign(56, 0.99f);
  std::fill(line.columns.begin() + 27, line.columns.begin() + 45, 0.02f);
  const Inks inks = inksOf(grey, {line}, 0);
  ASSERT_EQ(inks.gaps.size(), 2u);  // 0.7 and 6.9 line heights
  std::vector<float> features;
  for (const auto& gap : inks.gaps) features.insert(features.end(), gap.features.begin(), gap.features.end());
  const int64_t shape[] = {2, static_cast<int64_t>(kGapFeatures)};
  const auto parts = (*session)->run(features, shape);
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_LT(parts->data[0], 0.5);
  EXPECT_GT(parts->data[1], 0.5);
}

}  // namespace
}  // namespace lectern::reader
