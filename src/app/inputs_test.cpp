#include "app/inputs.h"

#include <gtest/gtest.h>

#include <climits>

#include "base/files.h"

namespace lectern::app {
namespace {

TEST(InputsTest, FoldersAreSearchedFilesAreTakenAndNamesDiffer) {
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  const auto root = dir->path();
  std::filesystem::create_directories(root / "sub" / ".hidden");
  for (const char* name : {"b.png", "a.JPG", "notes.txt", "sub/a.png", "sub/a.jpg", "sub/.hidden/x.png", ".y.png"}) {
    ASSERT_TRUE(writeFileAtomic(root / name, "x"));
  }
  auto inputs = collectInputs({root, root / "notes.txt", root / "b.png", root / "none.png"});
  std::vector<std::string> names;
  for (const auto& f : inputs.files) names.push_back(f.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "a-jpg", "a-png", "notes"}));
  ASSERT_EQ(inputs.faults.size(), 1u);
  EXPECT_NE(inputs.faults[0].message.find("none.png: no such file"), std::string::npos);
}

TEST(InputsTest, PageRanges) {
  auto ranges = parsePageRanges("1-3,7,9-");
  ASSERT_TRUE(ranges);
  ASSERT_EQ(ranges->size(), 3u);
  EXPECT_EQ((*ranges)[0].last, 3);
  EXPECT_EQ((*ranges)[2].last, INT_MAX);
  for (const char* bad : {"", "0", "3-1", "a", "1,,2", "-2", "1-2-3"}) EXPECT_FALSE(parsePageRanges(bad)) << bad;
}

}  // namespace
}  // namespace lectern::app
