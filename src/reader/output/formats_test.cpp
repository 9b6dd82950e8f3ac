#include <gtest/gtest.h>

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

}  // namespace
}  // namespace lectern::reader
