#include "app/done_marks.h"

#include <gtest/gtest.h>

#include "base/files.h"

namespace lectern::app {
namespace {

reader::Document halfRead() {
  reader::Document document;
  document.name = "long.pdf";
  document.sha256 = "ab";
  document.models = {{"detector", "ctpn", "cd"}};
  document.timings = {{"detect", 3}};
  for (const int number : {1, 2, 5}) {
    reader::Page page;
    page.number = number;
    page.width = page.height = 100;
    reader::Word word;
    word.text = "word" + std::to_string(number);
    word.box = {1, 2, 30, 40};
    page.words.push_back(word);
    document.pages.push_back(page);
  }
  return document;
}

TEST(DoneMarksTest, PagesOfAnInterruptedDocumentAreKeptUntilItIsDone) {
  auto out = TempDir::create();
  ASSERT_TRUE(out);
  const DoneMarks marks(out->path(), "settings");
  EXPECT_TRUE(marks.keptPages("long.pdf", "ab").pages.empty());
  marks.keepPages(halfRead());

  const auto kept = marks.keptPages("long.pdf", "ab");
  ASSERT_EQ(kept.pages.size(), 3u);
  EXPECT_EQ(kept.pages[2].number, 5);
  EXPECT_EQ(kept.pages[2].words.at(0).text, "word5");
  EXPECT_EQ(kept.models.at(0).name, "ctpn");
  EXPECT_TRUE(kept.timings.empty());
  EXPECT_TRUE(marks.keptPages("long.pdf", "another file").pages.empty());
  EXPECT_TRUE(DoneMarks(out->path(), "others").keptPages("long.pdf", "ab").pages.empty());
  EXPECT_FALSE(marks.isDone("long.pdf", "ab"));

  ASSERT_TRUE(writeFileAtomic(out->path() / "long.pdf.json", "{}"));
  marks.markDone("long.pdf", "ab");
  EXPECT_TRUE(marks.isDone("long.pdf", "ab"));
  EXPECT_TRUE(marks.keptPages("long.pdf", "ab").pages.empty());
}

}  // namespace
}  // namespace lectern::app
