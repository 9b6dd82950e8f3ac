#include "reader/analyse.h"

#include <gtest/gtest.h>

#include <random>

namespace lectern::reader {
namespace {

/// Lines as a form, receipt or table might have them, at places as no form has them.
Page randomPage(std::mt19937& random) {
  const std::vector<std::string> texts = {"Name:",  "Date of birth", "____", "12.50",   "TOTAL",     "x",        "No.",
                                          "Mr Lee", "01/02/2018",    ":",    "$ 1,000", "Telephone", "(a) City", "Yes [ ]",
                                          "A:B:C",  "......",        "12",   "Page 1",  "Invoice #", "total due: 3"};
  const auto below = [&](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
  Page page;
  page.width = 600, page.height = 800;
  const int letter = 4 + below(8), grid = 1 + below(40);
  for (int n = below(60); n > 0; --n) {
    Line line;
    line.text = texts[static_cast<size_t>(below(static_cast<int>(texts.size())))];
    const int x = below(560) / grid * grid, y = below(780) / grid * grid, height = 6 + below(14);
    for (size_t from = 0; from < line.text.size();) {
      const size_t to = std::min(line.text.find(' ', from), line.text.size());
      Word word;
      word.text = line.text.substr(from, to - from);
      word.box = {x + static_cast<int>(from) * letter, y, x + static_cast<int>(to) * letter, y + height};
      word.confidence = static_cast<float>(below(100)) / 100;
      word.line = static_cast<int>(page.lines.size());
      line.words.push_back(static_cast<int>(page.words.size()));
      line.box = unite(line.box, word.box);
      page.words.push_back(std::move(word));
      from = to + 1;
    }
    page.lines.push_back(std::move(line));
  }
  for (int n = below(12); n > 0; --n) {
    const int x = below(500), y = below(700);
    const bool flat = below(2) == 0;
    page.rules.push_back({"", flat ? Box{x, y, x + below(300), y + 2} : Box{x, y, x + 2, y + below(300)},
                          flat ? Orientation::kHorizontal : Orientation::kVertical});
  }
  return page;
}

TEST(AnalyseTest, PagesOfAnyArrangementAreAnalysedAndWhatIsFoundStandsOnTheirWords) {
  std::mt19937 random(7);
  for (int round = 0; round < 1500; ++round) {
    Document document;
    document.pages.push_back(randomPage(random));
    if (round % 3 == 0) document.pages.push_back(randomPage(random));
    for (auto& page : document.pages) analysePage(page, Image{});
    finishDocument(document);
    for (const auto& page : document.pages) {
      for (const auto& kv : page.key_values) {
        EXPECT_FALSE(kv.key_words.empty());
        for (const auto& words : {kv.key_words, kv.value_words}) {
          for (const int w : words) ASSERT_TRUE(w >= 0 && w < static_cast<int>(page.words.size())) << "round " << round;
        }
      }
    }
  }
}

}  // namespace
}  // namespace lectern::reader
