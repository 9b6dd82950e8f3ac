#include <gtest/gtest.h>

#include <latch>
#include <opencv2/imgproc.hpp>
#include <set>

#include "reader/recognise/crop.h"
#include "reader/recognise/ctc.h"
#include "reader/recognise/ppocr.h"
#include "reader/recognise/tesseract.h"
#include "reader/recognise/workers.h"

namespace lectern::reader {
namespace {

Image pageWithText(const std::string& text, cv::Point at, bool inverted = false) {
  cv::Mat canvas(200, 900, CV_8U, cv::Scalar(255));
  cv::putText(canvas, text, at, cv::FONT_HERSHEY_COMPLEX, 1.2, cv::Scalar(0), 2, cv::LINE_AA);
  if (inverted) canvas = 255 - canvas;
  Image page;
  page.width = canvas.cols;
  page.height = canvas.rows;
  page.pixels.assign(canvas.data, canvas.data + canvas.total());
  return page;
}

TextRegion regionOf(Box box) {
  TextRegion region;
  region.box = box;
  region.quad = quadOf(box);
  return region;
}

std::string textOf(const RecognisedLine& line) {
  std::string text;
  for (const auto& w : line.words) text += (text.empty() ? "" : " ") + w.text;
  return text;
}

TEST(WorkersTest, EveryIndexOnce) {
  Slots spare(3);
  for (Slots* slots : {&spare, static_cast<Slots*>(nullptr)}) {
    std::vector<int> seen(100, 0);
    forEachIndex(100, slots, [&](int i) { ++seen[static_cast<size_t>(i)]; });
    EXPECT_EQ(std::set<int>(seen.begin(), seen.end()), std::set<int>{1});
  }
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(spare.tryTake()) << "given back";
}

TEST(WorkersTest, FreeSlotsHelp) {
  Slots spare(1);
  std::latch meeting(2);
  forEachIndex(2, &spare, [&](int) { meeting.arrive_and_wait(); });
}

TEST(CtcTest, RepeatsBlanksAndSpaces) {
  // Alphabet a, b; classes blank, a, b, space. Path: a a - a _ b
  const std::vector<int> path = {1, 1, 0, 1, 3, 2};
  std::vector<float> p(path.size() * 4, 0.05f);
  for (size_t t = 0; t < path.size(); ++t) p[t * 4 + static_cast<size_t>(path[t])] = 0.85f;
  const auto words = decodeCtc(p, static_cast<int>(path.size()), 4, {"a", "b"});
  ASSERT_EQ(words.size(), 2u);
  EXPECT_EQ(words[0].text, "aa");
  EXPECT_EQ(words[1].text, "b");
  EXPECT_FLOAT_EQ(words[0].confidence, 0.85f);
}

TEST(CtcTest, TheLargestOfManyClassesWins) {
  std::vector<std::string> alphabet(1500);
  for (size_t i = 0; i < alphabet.size(); ++i) alphabet[i] = "<" + std::to_string(i + 1) + ">";
  for (const size_t best : {1u, 255u, 256u, 300u, 1279u, 1280u, 1500u}) {
    for (const float high : {0.9f, 0.3f}) {
      std::vector<float> p(1501, 1e-4f);
      p[0] = p[700] = 0.25f;
      p[best] = high;
      const auto words = decodeCtc(p, 1, 1501, alphabet, 0.5);
      ASSERT_EQ(words.size(), 1u);
      EXPECT_EQ(words[0].text, alphabet[best - 1]);
      EXPECT_FLOAT_EQ(words[0].confidence, high);
    }
  }
  // Of equals the first: nothing was read.
  EXPECT_TRUE(decodeCtc(std::vector<float>(1501, 1e-3f), 1, 1501, alphabet, 0.5).empty());
}

TEST(TesseractTest, ReadsAllRegionsInOrderWithEmptyOnes) {
  auto recognizer = TesseractRecognizer::create({.threads = 2});
  ASSERT_TRUE(recognizer) << recognizer.error().message;
  Slots spare(1);
  for (const bool inverted : {false, true}) {
    const Image page = pageWithText("Invoice 2026 total", {40, 80}, inverted);
    const std::vector<TextRegion> regions = {regionOf({0, 150, 300, 190}), regionOf({30, 40, 520, 100}),
                                             regionOf({5000, 10, 5100, 40})};
    auto lines = (*recognizer)->recognise(page, regions, {}, &spare);
    ASSERT_TRUE(lines);
    ASSERT_EQ(lines->size(), 3u);
    EXPECT_TRUE((*lines)[0].words.empty());
    EXPECT_EQ(textOf((*lines)[1]), "Invoice 2026 total");
    EXPECT_TRUE((*lines)[2].words.empty());
    const Box number = (*lines)[1].words.at(1).box;
    EXPECT_GT(number.x0, 150);
    EXPECT_LT(number.x1, 400);
  }
}

TEST(TesseractTest, AMissingLanguageNamesItsPackage) {
  auto missing = TesseractRecognizer::create({.languages = "eng+xyz_frak"});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("apt-get install tesseract-ocr-xyz-frak"), std::string::npos);
  EXPECT_EQ(TesseractRecognizer::create({.languages = "../etc"}).error().code, Code::kInvalid);
}

TEST(PpocrTest, ReadsALine) {
  auto recognizer = PpocrRecognizer::create({});
  if (!recognizer && recognizer.error().code == Code::kNotFound) GTEST_SKIP() << recognizer.error().message;
  ASSERT_TRUE(recognizer) << recognizer.error().message;
  const Image page = pageWithText("Invoice 2026 total", {40, 80});
  auto lines = (*recognizer)->recognise(page, std::vector{regionOf({30, 40, 520, 100})}, {}, nullptr);
  ASSERT_TRUE(lines) << lines.error().message;
  EXPECT_EQ(textOf((*lines)[0]), "Invoice 2026 total");
}

std::vector<RecognisedLine> readWith(const PpocrOptions& options, const Image& page) {
  auto recognizer = PpocrRecognizer::create(options);
  if (!recognizer) {
    ADD_FAILURE() << recognizer.error().message;
    return {};
  }
  const std::vector regions = {regionOf({30, 40, 520, 100}), regionOf({0, 150, 300, 190})};
  auto lines = (*recognizer)->recognise(page, regions, {}, nullptr);
  EXPECT_TRUE(lines);
  return lines ? *lines : std::vector<RecognisedLine>();
}

TEST(PpocrTest, OnlyUnsureLinesAreReadAgainAndUnreadableOnesAreEmpty) {
  const PpocrOptions usual;
  if (auto made = PpocrRecognizer::create(usual); !made && made.error().code == Code::kNotFound) {
    GTEST_SKIP() << made.error().message;
  }
  const Image page = pageWithText("Invoice 2026 total", {40, 80});
  const auto first = readWith({.second_model = "", .readable = 0}, page);
  const auto second = readWith({.model = usual.second_model, .second_model = "", .readable = 0}, page);
  const auto never = readWith({.sure = 0, .readable = 0}, page);
  const auto always = readWith({.sure = 2, .readable = 0}, page);
  ASSERT_EQ(first.size(), 2u);
  ASSERT_NE(first[0].confidence, second[0].confidence);
  EXPECT_EQ(never[0].confidence, first[0].confidence);
  EXPECT_EQ(always[0].confidence, second[0].confidence);
  EXPECT_EQ(readWith({.sure = 0, .least_height_for_first = 1000, .readable = 0}, page)[0].confidence, second[0].confidence);
  EXPECT_TRUE(readWith({.readable = 1.01f}, page)[0].words.empty());
}

}  // namespace
}  // namespace lectern::reader
