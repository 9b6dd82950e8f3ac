#include <gtest/gtest.h>

#include "reader/output/text_formats.h"
#include "reader/output/xml_formats.h"

namespace lectern::reader {
namespace {

Document twoWords() {
  Document d;
  d.name = "a&b";
  Page page;
  page.width = 400;
  page.height = 200;
  Line line;
  Block block;
  for (const char* text : {"Größe", "<42>"}) {
    Word w;
    w.text = text;
    w.box = {20 + 100 * static_cast<int>(page.words.size()), 50, 100 + 100 * static_cast<int>(page.words.size()), 80};
    w.confidence = 0.9f;
    w.line = 0;
    line.words.push_back(static_cast<int>(page.words.size()));
    line.box = unite(line.box, w.box);
    page.words.push_back(w);
  }
  line.text = "Größe <42>";
  line.quad = quadOf(line.box);
  line.block = 0;
  block.text = line.text;
  block.box = line.box;
  block.lines = {0};
  page.lines = {line};
  page.blocks = {block};
  d.pages = {page};
  assignIds(d);
  return d;
}

TEST(FormatsTest, AltoAndPageHoldWordsEscaped) {
  const Document d = twoWords();
  const std::string alto = documentToAlto(d);
  EXPECT_NE(alto.find("<String ID=\"w2\" HPOS=\"120\" VPOS=\"50\" WIDTH=\"80\" HEIGHT=\"30\" WC=\"0.90\" "
                      "CONTENT=\"&lt;42&gt;\"/>"),
            std::string::npos);
  EXPECT_NE(alto.find("<fileName>a&amp;b</fileName>"), std::string::npos);
  const std::string page = pageToPageXml(d, d.pages[0]);
  EXPECT_NE(page.find("<RegionRefIndexed index=\"0\" regionRef=\"b1\"/>"), std::string::npos);
  EXPECT_NE(page.find("<Unicode>Größe &lt;42&gt;</Unicode>"), std::string::npos);
  EXPECT_NE(pageToOverlay(d, d.pages[0], "x.jpg").find("xlink:href=\"x.jpg\""), std::string::npos);
}

/// One block of the given lines, each as long as its text.
Document blockOf(const std::vector<std::string>& lines) {
  Document d;
  d.pages.resize(1);
  Page& page = d.pages[0];
  Block block;
  for (const auto& text : lines) {
    Line line;
    line.text = text;
    const int y = 20 * static_cast<int>(page.lines.size());
    line.box = {0, y, 10 * static_cast<int>(text.size()), y + 15};
    block.box = unite(block.box, line.box);
    block.lines.push_back(static_cast<int>(page.lines.size()));
    page.lines.push_back(line);
  }
  page.blocks = {block};
  return d;
}

TEST(FormatsTest, WhatMarkdownWouldTakeForItsOwnIsEscaped) {
  EXPECT_EQ(documentToMarkdown(blockOf({"Over <lazy> *90* _x_ a_b A&B & [1](2)"})),
            "Over \\<lazy> \\*90\\* \\_x\\_ a_b A\\&B & [1\\](2)\n\n");
  EXPECT_EQ(documentToMarkdown(blockOf({"# 5"})), "\\# 5\n\n");
  EXPECT_EQ(documentToMarkdown(blockOf({"Name", "-----"})), "Name\\\n\\-----\n\n");
}

TEST(FormatsTest, ProseFlowsAndOtherLinesEnd) {
  const Document prose = blockOf({"In fact, French companies began moving into", "other countries in the early years and this",
                                  "went on."});
  EXPECT_EQ(documentToMarkdown(prose).find('\\'), std::string::npos);
  EXPECT_EQ(documentToHtml(prose).find("<br>"), std::string::npos);
  const Document address = blockOf({"14 Quay Street", "Port Lindon", "PL3 9QX"});
  EXPECT_EQ(documentToMarkdown(address), "14 Quay Street\\\nPort Lindon\\\nPL3 9QX\n\n");
  EXPECT_NE(documentToHtml(address).find("14 Quay Street<br>\nPort Lindon<br>"), std::string::npos);
}

TEST(FormatsTest, RowsOfReceiptsStayTogether) {
  Document d;
  d.type = "receipt";
  d.pages.resize(1);
  Page& page = d.pages[0];
  const auto put = [&](const char* text, int x, int y, bool new_block) {
    Word word;
    word.text = text;
    word.box = {x, y, x + 60, y + 20};
    Line line;
    line.text = text;
    line.box = word.box;
    line.words = {static_cast<int>(page.words.size())};
    if (new_block) page.blocks.emplace_back();
    page.blocks.back().lines.push_back(static_cast<int>(page.lines.size()));
    page.blocks.back().box = unite(page.blocks.back().box, line.box);
    page.words.push_back(word);
    page.lines.push_back(line);
  };
  put("Total", 10, 10, true);
  put("Cash", 10, 40, false);
  put("9.00", 200, 12, true);
  put("10.00", 200, 41, false);
  put("Thanks", 90, 120, true);
  EXPECT_EQ(documentToMarkdown(d), "Total 9.00\\\nCash 10.00\n\nThanks\n\n");
  EXPECT_NE(documentToHtml(d).find("<p>Total 9.00<br>\nCash 10.00</p>"), std::string::npos);
  d.type = "letter";
  EXPECT_EQ(documentToMarkdown(d), "Total\\\nCash\n\n9.00\\\n10.00\n\nThanks\n\n");
}

TEST(FormatsTest, ValuesAreNoHeadOfATable) {
  Document d;
  d.pages.resize(1);
  Table table;
  table.rows = 1;
  table.cols = 2;
  table.cells = {{0, 0, 1, 1, "Pen", {}, {}}, {0, 1, 1, 1, "18.50", {}, {}}};
  d.pages[0].tables = {table};
  EXPECT_EQ(documentToMarkdown(d), "|  |  |\n| --- | --- |\n| Pen | 18.50 |\n\n");
  d.pages[0].tables[0].header_rows = 1;
  EXPECT_EQ(documentToMarkdown(d), "| Pen | 18.50 |\n| --- | --- |\n\n");
}

TEST(FormatsTest, CellsThatAreMissingKeepTheirPlaceInHtml) {
  Document d;
  d.pages.resize(1);
  Table table;
  table.rows = 3;
  table.cols = 3;
  // A hole before the second cell, a span over a hole, and one that another cell cuts short.
  table.cells = {{0, 0, 1, 1, "a", {}, {}}, {0, 2, 1, 1, "b", {}, {}}, {1, 0, 2, 2, "c", {}, {}}, {2, 1, 1, 1, "d", {}, {}}};
  d.pages[0].tables = {table};
  const std::string html = documentToHtml(d);
  EXPECT_NE(html.find("<tr><td>a</td><td></td><td>b</td></tr>\n<tr><td colspan=\"2\">c</td><td></td></tr>\n"
                      "<tr><td></td><td>d</td><td></td></tr>\n"),
            std::string::npos)
      << html;
}

TEST(FormatsTest, HocrTellsTitleLanguageResolutionAndBaseLine) {
  Document d = twoWords();
  d.language = "de";
  d.pages[0].dpi = 300;
  d.pages[0].lines[0].quad = {Point{20, 50}, Point{220, 60}, Point{218, 90}, Point{18, 80}};
  const std::string hocr = documentToHocr(d);
  EXPECT_NE(hocr.find("xml:lang=\"de\" lang=\"de\">\n<head>\n<title>a&amp;b</title>"), std::string::npos);
  EXPECT_NE(hocr.find("ppageno 0; scan_res 300 300\""), std::string::npos);
  EXPECT_NE(hocr.find("; baseline 0.050 -6; x_size 30\""), std::string::npos) << hocr;
}

TEST(FormatsTest, FieldsOnTheSameWordsShareALabelOfTheWordsSize) {
  Document d = twoWords();
  d.fields = {{"total", "42", "42", 1, {1}, 0.9f}, {"amount", "42", "42", 1, {1}, 0.9f}};
  const std::string svg = pageToOverlay(d, d.pages[0], "");
  EXPECT_NE(svg.find("font-size=\"15\" fill=\"#c40\">total, amount</text>"), std::string::npos) << svg;
}

}  // namespace
}  // namespace lectern::reader
