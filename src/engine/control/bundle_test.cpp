#include "engine/control/bundle.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zip.h>

#include <fstream>
#include <utility>
#include <vector>

#include "base/files.h"

namespace lectern::engine {
namespace {

struct Entry {
  std::string name, content;
  uint32_t mode = S_IFREG | 0644;
};

std::string makeZip(const std::vector<Entry>& entries) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* out = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_source_keep(out);
  zip_t* archive = zip_open_from_source(out, ZIP_TRUNCATE, &error);
  for (auto& entry : entries) {
    zip_source_t* content = zip_source_buffer(archive, entry.content.data(), entry.content.size(), 0);
    int64_t index = zip_file_add(archive, entry.name.c_str(), content, ZIP_FL_ENC_UTF_8);
    zip_file_set_external_attributes(archive, uint64_t(index), 0, ZIP_OPSYS_UNIX, entry.mode << 16);
  }
  EXPECT_EQ(zip_close(archive), 0);
  zip_stat_t stat;
  zip_source_stat(out, &stat);
  std::string bytes(stat.size, '\0');
  zip_source_open(out);
  zip_source_read(out, bytes.data(), bytes.size());
  zip_source_close(out);
  zip_source_free(out);
  return bytes;
}

class Bundle : public ::testing::Test {
 protected:
  Result<Bytes> unpack(const std::vector<Entry>& entries, Bytes limit = mebibytes(1)) {
    return unpackZip(makeZip(entries), dir_.path() / "out", limit);
  }
  bool leftovers() const { return std::filesystem::exists(dir_.path() / "out"); }
  TempDir dir_ = *TempDir::create();
};

TEST_F(Bundle, FilesModesAndLinks) {
  auto size = unpack({{"bootstrap", "#!/bin/sh\n", S_IFREG | 0755},
                      {"lib/a.so.1", "binary"},
                      {"lib/a.so", "a.so.1", S_IFLNK | 0777},
                      {"deep/x", "../lib/a.so.1", S_IFLNK | 0777}});
  ASSERT_TRUE(size) << size.error().message;
  EXPECT_EQ(size->value, 16);
  auto out = dir_.path() / "out";
  EXPECT_EQ(std::filesystem::status(out / "bootstrap").permissions(), std::filesystem::perms(0755));
  EXPECT_EQ(*readFile(out / "lib/a.so"), "binary");
  EXPECT_EQ(*readFile(out / "deep/x"), "binary");
  EXPECT_EQ(measureDirectory(out)->value, 16);
}

TEST_F(Bundle, WaysOutAreRefused) {
  std::vector<Entry> bad[] = {{{"../x", "1"}},
                              {{"a/../../x", "1"}},
                              {{"/etc/x", "1"}},
                              {{"l", "/etc/passwd", S_IFLNK | 0777}},
                              {{"l", "../x", S_IFLNK | 0777}},
                              {{"a/l", "../../x", S_IFLNK | 0777}},
                              {{"d", ".", S_IFLNK | 0777}, {"d/l", "..", S_IFLNK | 0777}},
                              {{"p", "1", S_IFIFO | 0644}}};
  for (auto& entries : bad) {
    auto size = unpack(entries);
    ASSERT_FALSE(size) << entries[0].name;
    EXPECT_EQ(size.error().code, Code::kDenied) << size.error().message;
    EXPECT_FALSE(leftovers());
  }
}

TEST_F(Bundle, BombsAreStopped) {
  auto size = unpack({{"zeros", std::string(3'000'000, '\0')}}, mebibytes(1));
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error().code, Code::kTooLarge);
  EXPECT_EQ(size.error().message, "Unzipped size must be smaller than 1048576 bytes");
  EXPECT_FALSE(leftovers());
}

TEST_F(Bundle, WhatIsNoZip) {
  for (std::string bytes : {"", "hello", "PK\x03\x04 damaged"}) {
    auto size = unpackZip(bytes, dir_.path() / "out", mebibytes(1));
    ASSERT_FALSE(size);
    EXPECT_EQ(size.error().code, Code::kCorrupt);
  }
}

TEST_F(Bundle, DirectoriesMayNotLinkOut) {
  std::filesystem::create_directories(dir_.path() / "code/sub");
  std::ofstream(dir_.path() / "code/sub/file") << "12345";
  EXPECT_EQ(measureDirectory(dir_.path() / "code")->value, 5);
  std::filesystem::create_symlink("../../../etc", dir_.path() / "code/sub/out");
  EXPECT_EQ(measureDirectory(dir_.path() / "code").error().code, Code::kDenied);
}

}  // namespace
}  // namespace lectern::engine
