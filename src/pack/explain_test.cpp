#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/files.h"
#include "pack/elf.h"
#include "pack/pack.h"

namespace lectern::pack {
namespace {
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Symbols, TheSameWithAndWithoutSections) {
  const auto whole = readFile("/proc/self/exe").value();
  const auto symbols = readSymbols(whole).value(), stripped = readSymbols(stripElf(whole).value()).value();
  EXPECT_THAT(symbols.imported, Contains("__libc_start_main"));
  EXPECT_EQ(symbols.imported, stripped.imported);
  EXPECT_EQ(symbols.exported, stripped.exported);
  EXPECT_FALSE(readSymbols("\177ELF"));
}

class Explain : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::create();
    ASSERT_TRUE(made);
    dir_.emplace(std::move(*made));
  }
  void write(const std::string& name, std::string_view text) {
    const auto path = dir_->path() / name;
    std::filesystem::create_directories(path.parent_path());
    EXPECT_TRUE(writeFileAtomic(path, text));
  }
  std::map<std::string, PackedFile> packed(const std::string& config) {
    write("serverless.yml", config);
    auto report = pack({dir_->path() / "serverless.yml", "", dir_->path() / "out", true});
    EXPECT_TRUE(report) << report.error().message;
    std::map<std::string, PackedFile> out;
    text_ = explain(report->functions.at(0));
    json_ = toJson(*report, true);
    for (const auto& file : report->functions.at(0).files) out[file.path] = file;
    return out;
  }
  std::optional<TempDir> dir_;
  std::string text_;
  json::value json_;
};

TEST_F(Explain, WhatEveryLibraryIsGoodFor) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "this program, which is packed here, needs other libraries with a sanitizer";
#endif
  const auto self = std::filesystem::read_symlink("/proc/self/exe").string();
  auto files = packed("service: abc\nprovider: {name: aws, runtime: provided.al2023}\nfunctions: {one: {handler: one}}\n"
                      "custom: {lectern: {pack: {one: {binary: '" + self + "', libraries: [libresolv.so.2]}}}}\n");
  const auto& libc = files.at("lib/libc.so.6").drop;
  EXPECT_THAT(libc.breaks, HasSubstr("symbols: "));
  EXPECT_THAT(libc.breaks, HasSubstr("function ("));
  EXPECT_EQ(files.at("bootstrap").drop.breaks, "the function");
  EXPECT_EQ(files.at("lib/libresolv.so.2").drop.breaks, "what loads it by dlopen");
  // Without the program nothing needs its libraries; libc is needed by the declared one as well.
  const auto& program = files.at("bin/function");
  EXPECT_GE(program.drop.frees, program.bytes + files.at("lib/libstdc++.so.6").bytes);
  int64_t all = 0;
  for (const auto& [path, file] : files) all += file.bytes;
  EXPECT_LE(program.drop.frees, all - files.at("lib/libc.so.6").bytes - files.at("lib/libresolv.so.2").bytes);
  EXPECT_EQ(files.at("lib/libresolv.so.2").drop.frees, files.at("lib/libresolv.so.2").bytes);
  EXPECT_THAT(text_, HasSubstr("lib/libc.so.6: needed by "));
  EXPECT_THAT(text_, HasSubstr(" others with it"));
  const auto& row = json_.at("functions").at(0).at("table").at(0);
  EXPECT_TRUE(row.at("drop").at("frees_bytes").is_int64());
}

TEST_F(Explain, WhichScriptsNameAModule) {
  write("app.py", "import helper\nfrom pkg import thing\n");
  write("helper.py", "x = 1\n");
  write("pkg/__init__.py", "");
  write("forgotten.py", "y = 2\n");
  const auto files = packed("service: abc\nprovider: {name: aws, runtime: python3.11}\nfunctions: {f: {handler: app.run}}\n");
  EXPECT_EQ(files.at("helper.py").drop.breaks, "app.py names it");
  EXPECT_EQ(files.at("pkg/__init__.py").drop.breaks, "app.py names it");
  EXPECT_EQ(files.at("forgotten.py").drop.breaks, "no script names it");
  EXPECT_EQ(files.at("forgotten.py").drop.frees, 6);
}

TEST(Trace, DlopenedLibrariesOnceEach) {
  constexpr std::string_view kText =
      "      17:\tfile=libc.so.6 [0];  needed by ./f [0]\n"
      "      17:\tcalling init: /lib/x86_64-linux-gnu/libc.so.6\n"
      "      17:\topening file=./f [0]; direct_opencount=1\n"
      "      17:\tfile=libz.so.1 [0];  dynamically loaded by ./f [0]\n"
      "      17:\tfile=libz.so.1 [0];  generating link map\n"
      "      17:\topening file=/lib/x86_64-linux-gnu/libz.so.1 [0]; direct_opencount=1\n"
      "      17:\tfile=/opt/p/plugin.so [0];  dynamically loaded by /lib/libhost.so [0]\n"
      "      17:\topening file=/opt/p/plugin.so [0]; direct_opencount=1\n"
      "      17:\topening file=/lib/x86_64-linux-gnu/libz.so.1 [0]; direct_opencount=2";
  std::vector<TracedLibrary> found;
  readLoaderTrace(kText, found);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].name, "libz.so.1");
  EXPECT_EQ(found[0].by, "./f");
  EXPECT_EQ(found[0].file, "/lib/x86_64-linux-gnu/libz.so.1");
  EXPECT_EQ(found[1].name, "/opt/p/plugin.so");
  EXPECT_EQ(found[1].by, "/lib/libhost.so");
}

}  // namespace
}  // namespace lectern::pack
