#include "functions/handoff/handoff.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/files.h"
#include "base/json.h"
#include "reader/output/json.h"
#include "sdk/lectern.h"

namespace lectern::functions {
namespace {

std::string errorOf(const std::string& event) {
  try {
    readRequest(event);
  } catch (const FunctionError& e) {
    return e.type();
  }
  return "";
}

TEST(HandoffTest, WrongEventsAreNamed) {
  EXPECT_EQ(errorOf("nothing"), "Request.Invalid");
  EXPECT_EQ(errorOf("{}"), "Request.Invalid");
  EXPECT_EQ(errorOf("{\"document\":3}"), "Document.Unreadable");
  EXPECT_EQ(errorOf("{\"input\":\"/nowhere/x.json\"}"), "Document.Unreadable");
}

/// Checks a value against the part of JSON Schema that the functions' schemas use; gives the first fault or "".
class SchemaCheck {
 public:
  explicit SchemaCheck(json::object root) : root_(std::move(root)) {}

  std::string fault(const json::value& value, const json::object& schema, const std::string& at) const {
    if (const auto* ref = schema.if_contains("$ref")) return fault(value, target(ref->as_string().c_str()), at);
    if (const auto* type = schema.if_contains("type"); type != nullptr && !fits(value, *type)) return at + ": type";
    if (const auto* choice = schema.if_contains("enum")) {
      const auto& all = choice->as_array();
      if (std::find(all.begin(), all.end(), value) == all.end()) return at + ": enum";
    }
    if (value.is_array() && schema.contains("items")) {
      for (const auto& item : value.get_array()) {
        if (auto f = fault(item, schema.at("items").as_object(), at + "[]"); !f.empty()) return f;
      }
    }
    if (!value.is_object()) return "";
    const auto& object = value.get_object();
    if (const auto* required = schema.if_contains("required")) {
      for (const auto& name : required->as_array()) {
        if (!object.contains(name.as_string())) return at + ": no " + std::string(name.as_string());
      }
    }
    for (const auto& [name, member] : object) {
      const auto* known = schema.contains("properties") ? schema.at("properties").as_object().if_contains(name) : nullptr;
      if (known == nullptr) continue;
      if (auto f = fault(member, known->as_object(), at + "." + std::string(name)); !f.empty()) return f;
    }
    return "";
  }

 private:
  const json::object& target(const std::string& ref) const {
    return root_.at("$defs").at(ref.substr(ref.rfind('/') + 1)).as_object();
  }
  static bool fits(const json::value& value, const json::value& type) {
    if (type.is_array()) {
      const auto& all = type.get_array();
      return std::any_of(all.begin(), all.end(), [&](const auto& t) { return fits(value, t); });
    }
    const std::string name(type.as_string());
    return name == "object"    ? value.is_object()
           : name == "array"   ? value.is_array()
           : name == "string"  ? value.is_string()
           : name == "integer" ? value.is_int64() || value.is_uint64()
           : name == "number"  ? value.is_number()
           : name == "boolean" ? value.is_bool()
                               : value.is_null();
  }
  json::object root_;
};

json::object schemaFile(const std::string& name) {
  const auto text = readFile("src/functions/" + name);  // tests run in the source folder
  return parseJson(text.value_or("null"))->as_object();
}

TEST(HandoffTest, DocumentsAreAsTheirSchemaSays) {
  reader::Document document;
  document.name = "a";
  reader::Page page;
  page.words.resize(2);
  page.words[0].line = page.words[1].line = 0;
  page.lines.resize(1);
  page.lines[0].words = {0, 1};
  page.lines[0].block = 0;
  page.blocks.resize(1);
  page.blocks[0] = {"", "", {}, {0}, "paragraph"};
  page.tables.resize(1);
  page.tables[0].cells.resize(1);
  page.values.resize(1);
  page.key_values = {{"a", "b", {0}, {1}, 0.5f, true}};
  document.pages.push_back(page);
  document.fields.resize(1);
  document.fields[0].name = "total";
  reader::assignIds(document);
  const SchemaCheck check(schemaFile("document.schema.json"));
  const json::object top{{"$ref", "#/$defs/document"}};
  auto written = reader::documentToJson(document);
  EXPECT_EQ(check.fault(written, top, "$"), "");
  written.as_object().at("pages").at(0).at("words").at(0).as_object().erase("box");
  EXPECT_EQ(check.fault(written, top, "$"), "$.pages[].words[]: no box");
}

TEST(HandoffTest, EveryFunctionHasASchemaOfItsRequestAndAnswer) {
  for (const char* name : {"ocr", "pdf", "types", "relations", "tables", "read"}) {
    const auto schema = schemaFile(std::string(name) + "/schema.json");
    EXPECT_TRUE(schema.at("$defs").at("request").is_object()) << name;
    EXPECT_TRUE(schema.at("$defs").at("answer").is_object()) << name;
  }
  reader::Document document;
  const auto dir = TempDir::create();
  const auto text = answer(document, dir->path() / "a.json");
  const auto schema = schemaFile("types/schema.json");
  const auto& written = schema.at("$defs").at("answer").at("anyOf").at(1).as_object();
  EXPECT_EQ(SchemaCheck(schema).fault(*parseJson(text), written, "$"), "");
}

TEST(HandoffTest, ADocumentGoesThroughAFile) {
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  reader::Document document;
  document.name = "a";
  document.pages.resize(1);
  const auto path = dir->path() / "a.json";
  EXPECT_NE(answer(document, path).find("\"pages\":1"), std::string::npos);
  const Request request = readRequest("{\"input\":\"" + path.string() + "\"}");
  EXPECT_EQ(request.document.name, "a");
  EXPECT_EQ(request.document.pages.size(), 1u);
}

}  // namespace
}  // namespace lectern::functions
