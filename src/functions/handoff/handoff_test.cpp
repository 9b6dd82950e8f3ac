#include "functions/handoff/handoff.h"

#include <gtest/gtest.h>

#include "base/files.h"
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
