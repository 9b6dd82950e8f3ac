// ALTO and PAGE files against the schemas of their keepers (tools/fetch_assets --tests).
#include <gtest/gtest.h>
#include <libxml/xmlschemas.h>

#include <cstdarg>
#include <memory>

#include "base/files.h"
#include "reader/output/xml_formats.h"

namespace lectern::reader {
namespace {

void note(void* to, const char* format, ...) {
  char line[500];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  *static_cast<std::string*>(to) += line;
}

/// Empty when `text` is valid, else what libxml2 says about it.
std::string faultsOf(const std::string& text, const std::filesystem::path& schema_file) {
  std::string faults;
  const std::unique_ptr<xmlSchemaParserCtxt, decltype(&xmlSchemaFreeParserCtxt)> parser(
      xmlSchemaNewParserCtxt(schema_file.c_str()), xmlSchemaFreeParserCtxt);
  xmlSchemaSetParserErrors(parser.get(), note, note, &faults);
  const std::unique_ptr<xmlSchema, decltype(&xmlSchemaFree)> schema(xmlSchemaParse(parser.get()), xmlSchemaFree);
  if (!schema) return "schema: " + faults;
  const std::unique_ptr<xmlDoc, decltype(&xmlFreeDoc)> document(
      xmlReadMemory(text.data(), static_cast<int>(text.size()), "test.xml", nullptr, XML_PARSE_NONET), xmlFreeDoc);
  if (!document) return "not well formed";
  const std::unique_ptr<xmlSchemaValidCtxt, decltype(&xmlSchemaFreeValidCtxt)> check(
      xmlSchemaNewValidCtxt(schema.get()), xmlSchemaFreeValidCtxt);
  xmlSchemaSetValidErrors(check.get(), note, note, &faults);
  if (xmlSchemaValidateDoc(check.get(), document.get()) != 0 && faults.empty()) faults = "invalid";
  return faults;
}

/// A page with one of everything, and what recognition gives now and then: a control character, a box that leaves the
/// page, a block without lines.
Document everything() {
  Document d;
  d.name = "a\"b&c.png";
  Page page;
  page.width = 300;
  page.height = 200;
  const char* roles[] = {"heading", "header", "footer", "footnote", "caption", "list", "table", "paragraph", ""};
  for (const char* role : roles) {
    const int index = static_cast<int>(page.lines.size());
    Word word;
    word.text = std::string("R\x02<\xc3\xa9>") + role;
    word.box = {-3, 10 * index, 90, 10 * index + 9};
    word.confidence = 1.0001f;
    word.line = index;
    word.writing = index % 2 == 0 ? Writing::kHand : Writing::kPrint;
    page.words.insert(page.words.end(), {word, word});
    Line line;
    line.text = word.text + " " + word.text;
    line.box = word.box;
    line.quad = {Point{-3.5f, 1}, Point{90, 2}, Point{90, 9}, Point{-3.5f, 8}};
    line.words = {2 * index, 2 * index + 1};
    line.block = index;
    page.lines.push_back(line);
    page.blocks.push_back({"", line.text, line.box, {index}, role});
  }
  page.blocks.push_back({"", "", {10, 10, 20, 20}, {}, "paragraph"});
  page.rules.push_back({"", {0, 5, 100, 6}, Orientation::kHorizontal});
  page.frames.push_back({"", {0, 5, 9, 14}, true, true});
  Table table;
  table.box = {-1, 60, 120, 90};
  table.rows = table.cols = 1;
  table.cells = {{0, 0, 1, 1, "x", {0, 60, 50, 70}, {0}}};
  page.tables.push_back(table);
  Page blank;
  blank.number = 2;
  blank.width = 10;
  blank.height = 10;
  d.pages = {page, blank};
  assignIds(d);
  return d;
}

TEST(SchemasTest, AltoAndPageAreValid) {
  const auto folder = assetsDir() / "schemas";
  if (!std::filesystem::exists(folder / "alto-4-3.xsd") || !std::filesystem::exists(folder / "page-2019.xsd"))
    GTEST_SKIP() << "no schemas in " << folder << " (tools/fetch_assets --tests)";
  const Document d = everything();
  EXPECT_EQ(faultsOf(documentToAlto(d), folder / "alto-4-3.xsd"), "");
  for (const auto& page : d.pages) EXPECT_EQ(faultsOf(pageToPageXml(d, page), folder / "page-2019.xsd"), "");
  std::string broken = documentToAlto(d);
  broken.replace(broken.find("MeasurementUnit>pixel"), 21, "MeasurementUnit>ell");
  EXPECT_NE(faultsOf(broken, folder / "alto-4-3.xsd"), "");
}

}  // namespace
}  // namespace lectern::reader
