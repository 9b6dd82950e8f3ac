#include "reader/layout/roles.h"

#include <gtest/gtest.h>

#include <sstream>

namespace lectern::reader {
namespace {

void addBlock(Page& page, const std::vector<std::string>& lines, int y, int height = 20) {
  Block block;
  for (const auto& text : lines) {
    Line line;
    line.text = text;
    std::istringstream in(text);
    int x = 50;
    for (std::string w; in >> w; x += 60) {
      Word word;
      word.text = w;
      word.box = {x, y, x + 50, y + height};
      line.words.push_back(static_cast<int>(page.words.size()));
      line.box = unite(line.box, word.box);
      page.words.push_back(word);
    }
    block.lines.push_back(static_cast<int>(page.lines.size()));
    block.box = unite(block.box, line.box);
    block.text += (block.text.empty() ? "" : "\n") + text;
    page.lines.push_back(line);
    y += height + 5;
  }
  page.blocks.push_back(block);
}

TEST(RolesTest, HeadingsHeadersAndPageNumbers) {
  Document d;
  for (int n = 1; n <= 2; ++n) {
    Page page;
    page.number = n;
    page.width = 800;
    page.height = 1000;
    addBlock(page, {"Annual report " + std::to_string(n)}, 20);
    addBlock(page, {"Results"}, 120, 40);
    addBlock(page, {"The year was good.", "We sold more.", "And more."}, 200);
    addBlock(page, {"Table 3: sales"}, 400);
    addBlock(page, {std::to_string(n)}, 960);
    d.pages.push_back(page);
  }
  findRoles(d);
  std::vector<std::string> roles;
  for (const auto& b : d.pages[0].blocks) roles.push_back(b.role);
  EXPECT_EQ(roles, (std::vector<std::string>{"header", "heading", "paragraph", "caption", "footer"}));
}

TEST(RolesTest, SentencesGoOverLineEnds) {
  Page page;
  page.width = 800;
  page.height = 1000;
  addBlock(page, {"Dr. Smith said it was impor-", "tant. Nobody heard him", "at all!"}, 300);
  findSentences(page);
  ASSERT_EQ(page.sentences.size(), 2u);
  EXPECT_EQ(page.sentences[0].text, "Dr. Smith said it was important.");
  EXPECT_EQ(page.sentences[1].text, "Nobody heard him at all!");
}

}  // namespace
}  // namespace lectern::reader
