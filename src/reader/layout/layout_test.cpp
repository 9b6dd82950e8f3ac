#include "reader/layout/layout.h"

#include <gtest/gtest.h>

namespace lectern::reader {
namespace {

LineInput lineAt(const std::string& text, Box box) {
  LineInput input;
  input.region.box = box;
  input.region.quad = quadOf(box);
  Word word;
  word.text = text;
  word.box = box;
  input.words = {word};
  return input;
}

TEST(LayoutTest, TwoColumnsAreReadOneAfterTheOther) {
  std::vector<LineInput> inputs;
  inputs.push_back(lineAt("title", {100, 20, 700, 60}));
  for (int i = 0; i < 3; ++i) {
    inputs.push_back(lineAt("left" + std::to_string(i), {50, 120 + 30 * i, 350, 145 + 30 * i}));
    inputs.push_back(lineAt("right" + std::to_string(i), {450, 120 + 30 * i, 750, 145 + 30 * i}));
  }
  inputs.push_back(LineInput{});
  Page page;
  layOut(page, inputs);
  std::string text;
  for (const auto& line : page.lines) text += line.text + " ";
  EXPECT_EQ(text, "title left0 left1 left2 right0 right1 right2 ");
  ASSERT_EQ(page.blocks.size(), 3u);
  EXPECT_EQ(page.blocks[1].text, "left0\nleft1\nleft2");
  EXPECT_EQ(page.words[3].line, 3);
  EXPECT_EQ(page.lines[3].block, 1);
}

TEST(LayoutTest, WordsOfATextLayerBecomeLines) {
  std::vector<Word> words(4);
  words[0].box = {60, 10, 100, 30};
  words[1].box = {10, 12, 50, 31};
  words[2].box = {300, 11, 340, 30};
  words[3].box = {10, 50, 50, 70};
  const auto lines = linesFromWords(words);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].words.size(), 2u);
  EXPECT_EQ(lines[0].words[0].box.x0, 10);
  EXPECT_EQ(lines[1].region.box, words[2].box);
  EXPECT_TRUE(linesFromWords({}).empty());
}

TEST(LayoutTest, MarksOfListsAndNumbersOfSectionsStayWithTheirText) {
  const auto lines = [](const std::string& mark, const std::string& text, bool more) {
    std::vector<Word> words(more ? 3 : 2);
    words[0].text = mark;
    words[0].box = {10, 10, 30, 30};
    words[1].text = text;
    words[1].box = {80, 10, 200, 30};
    if (more) {
      words[2].text = "7.80";
      words[2].box = {400, 10, 440, 30};
    }
    return linesFromWords(words).size();
  };
  EXPECT_EQ(lines("8.5", "Internationalisation", false), 1u);
  EXPECT_EQ(lines("•", "first", false), 1u);
  EXPECT_EQ(lines("8.5", "2.5", false), 2u);
  EXPECT_EQ(lines("12", "Pens", false), 2u);
  EXPECT_EQ(lines("8.5", "Carrefour", true), 3u);  // a row of a table
}

TEST(LayoutTest, AnEmptyPageHasNothing) {
  Page page;
  layOut(page, {});
  EXPECT_TRUE(page.blocks.empty());
  EXPECT_TRUE(readingOrder({}).empty());
}

}  // namespace
}  // namespace lectern::reader
