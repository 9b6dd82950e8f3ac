// Pages that are turned, tilted, inverted, blank, tiny or large, through the whole of reading.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <opencv2/imgproc.hpp>
#include <set>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "reader/image/decode.h"
#include "reader/image/image_of.h"
#include "reader/image/prepare.h"
#include "reader/pipeline.h"

namespace lectern::reader {
namespace {

constexpr const char* kLines[] = {"Delivery note 4711", "Garden chairs and tables", "Ordered on Monday", "Total amount 98.50",
                                  "Thank you very much", "Please pay within two weeks"};

Image printedPage() {
  cv::Mat canvas(420, 560, CV_8U, cv::Scalar(250));
  int y = 60;
  for (const char* line : kLines) {
    cv::putText(canvas, line, {40, y}, cv::FONT_HERSHEY_SIMPLEX, 0.9, cv::Scalar(20), 2, cv::LINE_AA);
    y += 60;
  }
  return imageOf(canvas);
}

std::string textOf(const Page& page) {
  std::string text;
  for (const auto& line : page.lines) text += line.text + "\n";
  return text;
}

class RobustTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = Reader::create({}, clock_);
    if (!made && made.error().code == Code::kNotFound) GTEST_SKIP() << made.error().message;
    ASSERT_TRUE(made) << made.error().message;
    reader_ = std::move(*made);
  }

  Page read(const Image& image) {
    std::vector<StageTiming> timings;
    auto page = reader_->readPage(image, 1, timings);
    EXPECT_TRUE(page) << page.error().message;
    return page ? *page : Page();
  }

  const RealClock clock_;
  std::unique_ptr<Reader> reader_;
};

TEST_F(RobustTest, TurnedPagesAreReadUpright) {
  const Page upright = read(printedPage());
  ASSERT_EQ(upright.lines.size(), std::size(kLines));
  for (const int quarters : {0, 1, 2, 3}) {
    Image image = turned(printedPage(), quarters);
    image.rotation = 0;
    const Page page = read(image);
    EXPECT_EQ(page.rotation, (360 - 90 * quarters) % 360);
    EXPECT_EQ(textOf(page), textOf(upright)) << quarters;
    EXPECT_EQ(page.width, upright.width);
    ASSERT_EQ(page.lines.size(), upright.lines.size());
    for (size_t i = 0; i < page.lines.size(); ++i) {
      EXPECT_NEAR(page.lines[i].box.centerX(), upright.lines[i].box.centerX(), 8);
      EXPECT_NEAR(page.lines[i].box.centerY(), upright.lines[i].box.centerY(), 8);
    }
  }
}

TEST_F(RobustTest, TiltedPagesAreReadAndTheirBoxesStandOnThePageAsGiven) {
  const Page straight = read(printedPage());
  const Image tilted = straightened(printedPage(), -5, 250);
  const Page page = read(tilted);
  EXPECT_EQ(textOf(page), textOf(straight));
  EXPECT_NEAR(page.skew_degrees, 5, 0.3);
  EXPECT_EQ(page.width, tilted.width);
  EXPECT_EQ(page.height, tilted.height);
  ASSERT_EQ(page.words.size(), straight.words.size());
  // Every word's middle has ink of its letters around it.
  for (const auto& word : page.words) {
    int darkest = 255;
    for (int y = word.box.y0; y < word.box.y1; ++y) {
      const int x = static_cast<int>(word.box.centerX());
      for (int dx = -6; dx <= 6; ++dx) darkest = std::min<int>(darkest, tilted.row(y)[std::clamp(x + dx, 0, tilted.width - 1)]);
    }
    EXPECT_LT(darkest, 128) << word.text;
  }
}

TEST_F(RobustTest, LightTextOnDark) {
  Image page = printedPage();
  for (auto& p : page.pixels) p = static_cast<uint8_t>(255 - p);
  EXPECT_EQ(textOf(read(page)), textOf(read(printedPage())));
}

TEST_F(RobustTest, BlankPagesHaveNoWords) {
  for (const int grey : {0, 128, 255}) EXPECT_TRUE(read(imageOf(cv::Mat(900, 700, CV_8U, cv::Scalar(grey)))).words.empty());
  // Paper has grain.
  cv::Mat grain(900, 700, CV_8U);
  cv::RNG random(7);
  random.fill(grain, cv::RNG::NORMAL, 235, 6);
  EXPECT_TRUE(read(imageOf(grain)).words.empty());
}

TEST_F(RobustTest, TinyAndNarrowPages) {
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(3, 200), cv::Size(900, 2), cv::Size(40, 20)})
    EXPECT_TRUE(read(imageOf(cv::Mat(size, CV_8U, cv::Scalar(255)))).words.empty());
}

TEST_F(RobustTest, TheSamePageTwiceGivesTheSame) {
  const Image page = straightened(turned(printedPage(), 1), 3, 250);
  const Page first = read(page), second = read(page);
  ASSERT_EQ(first.words.size(), second.words.size());
  for (size_t i = 0; i < first.words.size(); ++i) {
    EXPECT_EQ(first.words[i].text, second.words[i].text);
    EXPECT_EQ(first.words[i].box, second.words[i].box);
    EXPECT_EQ(first.words[i].confidence, second.words[i].confidence);
  }
}

/// Letters of the truth that are found in order, by words: a page that is read has nearly all of them.
double wordsFound(const std::string& truth, const Page& page) {
  std::multiset<std::string> read;
  for (const auto& w : page.words) read.insert(w.text);
  int all = 0, found = 0;
  for (size_t at = 0; at < truth.size();) {
    const size_t end = std::min(truth.find_first_of(" \n", at), truth.size());
    if (end > at) {
      ++all;
      if (const auto it = read.find(truth.substr(at, end - at)); it != read.end()) {
        read.erase(it);
        ++found;
      }
    }
    at = end + 1;
  }
  return all == 0 ? 0 : static_cast<double>(found) / all;
}

TEST_F(RobustTest, RealScans) {
  const char* given = std::getenv("LECTERN_DATA");
  const std::filesystem::path folder = std::filesystem::path(given != nullptr ? given : "../shared/data") / "dev" / "scans";
  auto truth = readFile(folder / "truth.jsonl");
  if (!truth) GTEST_SKIP() << "no scans in " << folder << " (set LECTERN_DATA)";
  for (const auto& [name, least] : {std::pair{"phototest.tif", 0.9}, std::pair{"phototest-rotated-R.png", 0.9},
                                    std::pair{"eurotext.tif", 0.75}}) {
    const size_t at = truth->find(name);
    ASSERT_NE(at, std::string::npos);
    const size_t begin = truth->rfind('\n', at) + 1;
    const auto record = parseJson(truth->substr(begin, truth->find('\n', at) - begin));
    ASSERT_TRUE(record);
    auto file = ImageFile::open(folder / "images" / name);
    ASSERT_TRUE(file) << file.error().message;
    auto image = (*file)->page(1);
    ASSERT_TRUE(image);
    EXPECT_GT(wordsFound(stringOr(record->get_object(), "text", ""), read(*image)), least) << name;
  }
}

}  // namespace
}  // namespace lectern::reader
