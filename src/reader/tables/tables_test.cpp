#include "reader/tables/tables.h"

#include <gtest/gtest.h>

namespace lectern::reader {
namespace {

void addWord(Page& page, const std::string& text, int x, int y) {
  Word w;
  w.text = text;
  w.box = {x, y, x + 10 * static_cast<int>(text.size()), y + 20};
  page.words.push_back(w);
}

void addRule(Page& page, Box box, Orientation o) { page.rules.push_back({"", box, o}); }

std::string textAt(const Table& table, int row, int col) {
  for (const auto& c : table.cells) {
    if (c.row == row && c.col == col) return c.text;
  }
  return "";
}

Page threeColumns() {
  Page page;
  page.width = 800;
  page.height = 600;
  addWord(page, "Value", 420, 60);
  addWord(page, "Item", 50, 100);
  addWord(page, "2019", 300, 100);
  addWord(page, "2020", 500, 100);
  const char* items[] = {"apples", "pears", "plums"};
  for (int i = 0; i < 3; ++i) {
    addWord(page, items[i], 50, 140 + 40 * i);
    addWord(page, std::to_string(10 + i), 300, 140 + 40 * i);
    addWord(page, std::to_string(20 + i), 500, 140 + 40 * i);
  }
  return page;
}

TEST(TablesTest, WhiteSpaceMakesColumns) {
  Page page = threeColumns();
  findTables(page);
  ASSERT_EQ(page.tables.size(), 1u);
  const Table& t = page.tables[0];
  EXPECT_EQ(t.cols, 3);
  EXPECT_EQ(t.kind, "borderless");
  EXPECT_EQ(textAt(t, t.rows - 1, 0), "plums");
  EXPECT_EQ(textAt(t, t.rows - 1, 2), "22");
}

TEST(TablesTest, LettersAmongFiguresAreTheDigitsTheyLookLike) {
  Page page = threeColumns();
  addWord(page, "S pears", 50, 260);
  addWord(page, "12S,1", 300, 260);
  addWord(page, "n/S", 500, 260);
  findTables(page);
  ASSERT_EQ(page.tables.size(), 1u);
  const Table& t = page.tables[0];
  EXPECT_EQ(textAt(t, t.rows - 1, 0), "S pears");
  EXPECT_EQ(textAt(t, t.rows - 1, 1), "125,1");
  EXPECT_EQ(textAt(t, t.rows - 1, 2), "n/S");
  EXPECT_EQ(page.words[page.words.size() - 2].text, "12S,1");
}

TEST(TablesTest, ASecondLineInBracketsCompletesItsRow) {
  Page page = threeColumns();
  for (auto& w : page.words) {
    if (w.box.x0 >= 300 && w.box.y0 >= 140) w.text += "0(5.1)";
  }
  addWord(page, "Total", 50, 260);
  addWord(page, "330", 300, 260);
  addWord(page, "630", 500, 260);
  addWord(page, "(62.0)", 300, 285);
  addWord(page, "(4.7)", 500, 285);
  findTables(page);
  ASSERT_EQ(page.tables.size(), 1u);
  const Table& t = page.tables[0];
  EXPECT_EQ(textAt(t, t.rows - 1, 1), "330 (62.0)");
  EXPECT_EQ(textAt(t, t.rows - 1, 2), "630 (4.7)");
}

TEST(TablesTest, RulesMakeCellsAndMissingRulesMakeSpans) {
  Page page;
  page.width = 400;
  page.height = 300;
  addWord(page, "Both", 150, 20);
  addWord(page, "a", 50, 60);
  addWord(page, "b", 250, 60);
  addWord(page, "c", 50, 100);
  addWord(page, "d", 250, 100);
  for (const int y : {10, 50, 90, 130}) addRule(page, {10, y, 390, y + 2}, Orientation::kHorizontal);
  addRule(page, {10, 10, 12, 130}, Orientation::kVertical);
  addRule(page, {388, 10, 390, 130}, Orientation::kVertical);
  addRule(page, {200, 50, 202, 130}, Orientation::kVertical);
  findTables(page);
  ASSERT_EQ(page.tables.size(), 1u);
  const Table& t = page.tables[0];
  EXPECT_EQ(t.kind, "ruled");
  EXPECT_EQ(t.rows, 3);
  EXPECT_EQ(t.cols, 2);
  EXPECT_EQ(t.cells[0].col_span, 2);
  EXPECT_EQ(textAt(t, 2, 1), "d");
  EXPECT_EQ(t.header_rows, 2);
}

TEST(TablesTest, ProseIsNoTable) {
  Page page;
  page.width = 800;
  page.height = 600;
  for (int line = 0; line < 8; ++line) {
    for (int w = 0; w < 10; ++w) addWord(page, "words", 50 + 56 * w + (line * 7) % 13, 50 + 30 * line);
  }
  findTables(page);
  EXPECT_TRUE(page.tables.empty());
}

}  // namespace
}  // namespace lectern::reader
