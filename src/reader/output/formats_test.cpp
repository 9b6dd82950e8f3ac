#include <gtest/gtest.h>
#include <poppler-document.h>
#include <poppler-page.h>

#include "base/files.h"
#include "reader/output/pdf.h"
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

TEST(FormatsTest, TextBehindThePictureIsFoundInOrder) {
  auto pdf = documentToPdf(twoWords(), "samples/receipt.jpg");
  ASSERT_TRUE(pdf) << pdf.error().message;
  std::unique_ptr<poppler::document> read(
      poppler::document::load_from_raw_data(pdf->data(), static_cast<int>(pdf->size())));
  ASSERT_TRUE(read);
  std::unique_ptr<poppler::page> page(read->create_page(0));
  ASSERT_TRUE(page);
  const auto bytes = page->text().to_utf8();
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()).substr(0, 12), "Größe <42>");
  const auto boxes = page->text_list();
  ASSERT_EQ(boxes.size(), 2u);
  EXPECT_NEAR(boxes[1].bbox().x(), 120 * 72 / 150.0, 2);
  EXPECT_NEAR(boxes[1].bbox().width(), 80 * 72 / 150.0, 3);
}

TEST(FormatsTest, OtherSourcesAreNamed) {
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  ASSERT_TRUE(writeFileAtomic(dir->path() / "a.txt", "text"));
  auto pdf = documentToPdf(twoWords(), dir->path() / "a.txt");
  ASSERT_FALSE(pdf);
  EXPECT_NE(pdf.error().message.find("JPEG or PNG"), std::string::npos);
}

}  // namespace
}  // namespace lectern::reader
