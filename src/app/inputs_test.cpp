#include "app/inputs.h"

#include <gtest/gtest.h>

#include <climits>
#include <fstream>

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

TEST(InputsTest, LinksInACircleLinksToNothingAndOddNames) {
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  const auto root = dir->path();
  std::filesystem::create_directories(root / "sub");
  std::filesystem::create_directory_symlink(root, root / "sub" / "up");
  std::filesystem::create_symlink(root / "gone.jpg", root / "broken.jpg");
  for (const std::string& name : {std::string("-x.jpg"), std::string("a\nb.jpg"), std::string("caf\xe9.jpg"),
                                  std::string(250, 'n') + ".jpg", std::string("\xc3\xbc.jpg")})
    ASSERT_TRUE(std::ofstream(root / "sub" / name) << "x") << name;
  auto inputs = collectInputs({root});
  std::vector<std::string> names;
  for (const auto& f : inputs.files) names.push_back(f.name);
  EXPECT_EQ(names, (std::vector<std::string>{"-x", "a_b", "caf_", std::string(200, 'n'), "\xc3\xbc"}));
  ASSERT_EQ(inputs.faults.size(), 1u);
  EXPECT_NE(inputs.faults[0].message.find("broken.jpg: it is a link to nothing"), std::string::npos);
}

TEST(InputsTest, PageRanges) {
  auto ranges = parsePageRanges("1-3,7,9-");
  ASSERT_TRUE(ranges);
  ASSERT_EQ(ranges->size(), 3u);
  EXPECT_EQ((*ranges)[0].last, 3);
  EXPECT_EQ((*ranges)[2].last, INT_MAX);
  for (const char* bad : {"", "0", "3-1", "a", "1,,2", "-2", "1-2-3", "2147483647", "2000000-"})
    EXPECT_FALSE(parsePageRanges(bad)) << bad;
}

}  // namespace
}  // namespace lectern::app
