#include "reader/spelling/spelling.h"

#include <gtest/gtest.h>

#include "reader/spelling/english.h"

namespace lectern::reader {
namespace {

TEST(SpellingTest, WordsAreFound) {
  EXPECT_EQ(englishRank("the"), 1);
  EXPECT_EQ(englishRank("a"), 0);  // single letters are not kept
  EXPECT_GT(englishRank("signature"), 0);
  EXPECT_EQ(englishRank("london"), 9);
  EXPECT_EQ(englishRank("zzzz"), 0);
  EXPECT_EQ(englishRank(""), 0);
}

TEST(SpellingTest, MisreadWordsAreMended) {
  EXPECT_EQ(mendedWord("Reguirements", 0.99f), "Requirements");
  EXPECT_EQ(mendedWord("Distibution:", 0.99f), "Distribution:");
  EXPECT_EQ(mendedWord("Atlorney(s):", 0.9f), "Attorney(s):");
  EXPECT_EQ(mendedWord("COMPOUNO", 0.99f), "COMPOUND");
  EXPECT_EQ(mendedWord("Syetem", 0.94f), "System");
  EXPECT_EQ(mendedWord("ESTTMATE", 0.95f), "ESTIMATE");
}

TEST(SpellingTest, WordsNamesAndCodesStay) {
  for (const char* word :
       {"Form", "Zwickelmeyer", "Kuala", "LAMA", "PETALING",
        "Packings", "IPv4", "B164", "12.50", "McDonald", "Tel", "Straße", "x"})
    EXPECT_EQ(mendedWord(word, 0.99f), word);
}

Page pageOf(const std::vector<std::string>& words) {
  Page page;
  Line line;
  line.block = 0;
  for (const auto& text : words) {
    Word word;
    word.text = text;
    word.line = 0;
    word.confidence = 0.9f;
    line.words.push_back(static_cast<int>(page.words.size()));
    page.words.push_back(word);
  }
  page.lines.push_back(line);
  Block block;
  block.lines = {0};
  page.blocks.push_back(block);
  return page;
}

TEST(SpellingTest, MisreadLabelsAreKnownByTheirColon) {
  std::vector<std::string> words;
  for (const char* word : {"please", "complete", "this", "form", "and", "return", "with", "your", "signature", "today"})
    words.emplace_back(word);
  words.insert(words.end(), {"PROM:", "Tite:", "Courl:", "T0:", "Tel:", "Te:", "10:", "Prom", "Note:"});
  Page page = pageOf(words);
  mendWords(page);
  const std::vector<std::string> expected = {"FROM:", "Title:", "Court:", "TO:", "Tel:", "Te:", "10:", "Prom", "Note:"};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(page.words[10 + i].text, expected[i]);
}

TEST(SpellingTest, OnlyEnglishPages) {
  std::vector<std::string> words;
  for (int i = 0; i < 4; ++i) {
    for (const char* word : {"please", "complete", "this", "form", "and", "return", "with", "your", "signature"})
      words.push_back(word);
  }
  words.insert(words.end(), {"Decembor", "2020", "fórm"});
  Page english = pageOf(words);
  mendWords(english);
  EXPECT_EQ(english.words[36].text, "December");
  EXPECT_EQ(english.words[38].text, "form");
  EXPECT_TRUE(english.lines[0].text.ends_with("your signature December 2020 form"));
  EXPECT_EQ(english.blocks[0].text, english.lines[0].text);
  const std::vector<std::string> german = {
      "Bitte", "diesen", "Betrag", "innerhalb", "von", "vierzehn", "Tagen", "ohne", "Abzug", "zahlen", "vielen", "Dank"};
  Page other = pageOf(german);
  EXPECT_LT(englishShare(other), 0.5);
  mendWords(other);
  for (size_t i = 0; i < german.size(); ++i) EXPECT_EQ(other.words[i].text, german[i]);
}

}  // namespace
}  // namespace lectern::reader
