#include "app/staging.h"

#include <gtest/gtest.h>

#include "base/files.h"

namespace lectern::app {
namespace {

namespace fs = std::filesystem;

TEST(StagingTest, FilesTakeTheirPlaceTogether) {
  auto out = TempDir::create();
  ASSERT_TRUE(out);
  fs::path folder;
  {
    auto staging = Staging::create(out->path(), "a");
    ASSERT_TRUE(staging) << staging.error().message;
    folder = staging->folder();
    ASSERT_TRUE(writeFileAtomic(folder / "a.json", "new"));
    EXPECT_FALSE(fs::exists(out->path() / "a.json"));
    ASSERT_TRUE(staging->commit({folder / "a.json"}));
  }
  EXPECT_EQ(*readFile(out->path() / "a.json"), "new");
  EXPECT_FALSE(fs::exists(folder));
}

TEST(StagingTest, WithoutCommitTheOldFileStays) {
  auto out = TempDir::create();
  ASSERT_TRUE(out);
  ASSERT_TRUE(writeFileAtomic(out->path() / "a.json", "old"));
  {
    auto staging = Staging::create(out->path(), "a");
    ASSERT_TRUE(staging);
    ASSERT_TRUE(writeFileAtomic(staging->folder() / "a.json", "new"));
  }
  EXPECT_EQ(*readFile(out->path() / "a.json"), "old");
  EXPECT_TRUE(fs::is_empty(out->path() / ".lectern"));
}

TEST(StagingTest, LeftoversOfAnInterruptedRunGoAndRunsAtWorkStay) {
  auto out = TempDir::create();
  ASSERT_TRUE(out);
  const fs::path left = out->path() / ".lectern" / "a.writing-abcdef";
  fs::create_directories(left);
  ASSERT_TRUE(writeFileAtomic(left / "part", "x"));
  auto first = Staging::create(out->path(), "a");
  auto second = Staging::create(out->path(), "a");
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->folder(), second->folder());
  EXPECT_TRUE(fs::is_empty(first->folder()));
  Staging::removeLeftovers(out->path());
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(first->folder()) && fs::exists(second->folder()));
}

}  // namespace
}  // namespace lectern::app
