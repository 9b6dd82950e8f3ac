#include "reader/output/output.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "reader/output/csv.h"
#include "reader/output/json.h"

namespace lectern::reader {
namespace {

Document sample() {
  Document d;
  d.name = "a.png";
  d.sha256 = "00";
  d.type = "receipt";
  Page page;
  page.width = 100;
  page.height = 50;
  Word word;
  word.text = "<Total> \"7\"";
  word.box = {1, 2, 30, 12};
  word.confidence = 0.97f;
  word.line = 0;
  page.words = {word};
  Line line;
  line.text = word.text;
  line.box = word.box;
  line.quad = quadOf(word.box);
  line.words = {0};
  line.block = 0;
  page.lines = {line};
  Block block;
  block.text = line.text;
  block.box = line.box;
  block.lines = {0};
  block.role = "paragraph";
  page.blocks = {block};
  Table table;
  table.rows = 2;
  table.cols = 2;
  table.kind = "ruled";
  table.cells = {
      {0, 0, 1, 2, "a,b", {0, 0, 9, 9}, {0}}, {1, 0, 1, 1, "=SUM(A1)", {}, {}}, {1, 1, 1, 1, "-5.00", {}, {}}};
  page.tables = {table};
  page.values = {{"", "7", "integer", "", "7", "", "EUR", Checksum::kOk, 0.5f, {0}}};
  page.key_values = {{"Total", "7", {0}, {0}, 0.25f}};
  d.pages = {page};
  d.fields = {{"total", "7.00", "7", 1, {0}, 0.75f}};
  d.timings = {{"detect", 1.26}, {"detect", 2.0}};
  d.models = {{"detector", "db", "ff"}};
  assignIds(d);
  nameTables(d, "a");
  return d;
}

TEST(OutputTest, JsonReadsBackToTheSameBytes) {
  const std::string text = documentToText(sample());
  auto back = documentFromText(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(documentToText(*back), text);
  EXPECT_NE(text.find("\"confidence\":0.97"), std::string::npos);
  EXPECT_NE(text.find("\"detect\": 3.3"), std::string::npos);
}

TEST(OutputTest, BrokenReferencesAreRefused) {
  std::string text = documentToText(sample());
  const auto at = text.find("\"words\":[\"w1\"]");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 14, "\"words\":[\"w9\"]");
  EXPECT_EQ(documentFromText(text).error().code, Code::kCorrupt);
}

TEST(OutputTest, CsvQuotesAndGuards) {
  EXPECT_EQ(tableToCsv(sample().pages[0].tables[0]), "\"a,b\",\r\n'=SUM(A1),-5.00\r\n");
  EXPECT_EQ(csvField("say \"hi\"\n"), "\"say \"\"hi\"\"\n\"");
}

TEST(OutputTest, EveryFormatIsWritten) {
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  auto formats = parseFormats("json,csv,md,html,hocr,tsv");
  ASSERT_TRUE(formats);
  auto files = writeOutputs(sample(), "a", *formats, dir->path());
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(files->size(), 6u);
  EXPECT_NE(readFile(dir->path() / "a.html")->find("&lt;Total&gt;"), std::string::npos);
  EXPECT_NE(readFile(dir->path() / "a.hocr")->find("x_wconf 97"), std::string::npos);
  EXPECT_FALSE(parseFormats("json,docx"));
}

}  // namespace
}  // namespace lectern::reader
