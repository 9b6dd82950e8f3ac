#include "pack/pack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/files.h"
#include "pack/closure.h"
#include "pack/elf.h"
#include "pack/patterns.h"
#include "pack/probe.h"
#include "pack/verify.h"

namespace lectern::pack {
namespace {
using ::testing::HasSubstr;

TEST(Patterns, Globs) {
  EXPECT_TRUE(matches("**", "a/b/c"));
  EXPECT_TRUE(matches("bin/*", "bin/x"));
  EXPECT_FALSE(matches("bin/*", "bin/x/y"));
  EXPECT_TRUE(matches("**/tests/**", "tests/a.py"));
  EXPECT_TRUE(matches("**/tests/**", "numpy/core/tests/a.py"));
  EXPECT_FALSE(matches("**/tests/**", "numpy/mytests/a.py"));
  EXPECT_TRUE(matches("**/*.pyi", "a.pyi"));
}

class Pack : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::create();
    ASSERT_TRUE(made);
    dir_.emplace(std::move(*made));
  }
  std::filesystem::path write(const std::string& name, std::string_view text) {
    const auto path = dir_->path() / name;
    std::filesystem::create_directories(path.parent_path());
    EXPECT_TRUE(writeFileAtomic(path, text));
    return path;
  }
  std::optional<TempDir> dir_;
};

TEST_F(Pack, ProgramWithItsLoaderTwiceTheSameBytes) {
  const auto self = std::filesystem::read_symlink("/proc/self/exe").string();
  const auto config = write("serverless.yml",
                            "service: abc\nprovider: {name: aws, runtime: provided.al2023}\n"
                            "functions:\n  one:\n    handler: one\n"
                            "custom:\n  lectern:\n    pack:\n      one: {binary: '" + self + "', arguments: [a, bc]}\n");
  auto first = pack({config, "", dir_->path() / "out"});
  ASSERT_TRUE(first) << first.error().message;
  const auto bytes = readFile(dir_->path() / "out/one.zip").value();
  ASSERT_TRUE(pack({config, "one", dir_->path() / "out2"}));
  EXPECT_EQ(bytes, readFile(dir_->path() / "out2/one.zip").value());
  const auto& one = first->functions.at(0);
  std::map<std::string, PackedFile> files;
  for (const auto& file : one.files) files[file.path] = file;
  for (const char* name : {"bootstrap", "bin/function", "lib/ld.so", "lib/libc.so.6", "lib/libstdc++.so.6"}) {
    EXPECT_TRUE(files.contains(name)) << name;
  }
  EXPECT_LT(files["bin/function"].bytes, files["bin/function"].original);
  EXPECT_LT(one.unzipped_bytes, one.untrimmed_bytes);
}

TEST_F(Pack, ScriptsWithoutWhatDevelopersNeed) {
  write("app.py", "x");
  write("lib/tests/test_a.py", "yy");
  write("lib/secret.txt", "zzz");
  const auto config = write("serverless.yml",
                            "service: abc\nprovider: {name: aws, runtime: python3.11}\npackage: {patterns: ['!**/secret.txt']}\n"
                            "functions:\n  f: {handler: app.run}\n");
  auto report = pack({config, "", dir_->path() / "out"});
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->functions[0].files.size(), 1U);
  EXPECT_EQ(report->functions[0].files[0].path, "app.py");
  EXPECT_EQ(report->functions[0].untrimmed_bytes, 6);
}

TEST_F(Pack, RefusesWhatLambdaRefusesAndNamesTheLargest) {
  std::string noise(size_t{54} << 20, '\0');
  std::mt19937 random(1);
  for (size_t i = 0; i + 4 <= noise.size(); i += 4) {
    const uint32_t value = random();
    std::memcpy(noise.data() + i, &value, 4);
  }
  write("big.bin", noise);
  const auto config = write("serverless.yml",
                            "service: abc\nprovider: {name: aws, runtime: python3.11}\nfunctions:\n  f: {handler: app.run}\n");
  auto report = pack({config, "", dir_->path() / "out"});
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("big.bin (56623104)"));
}

TEST_F(Pack, WildcardsNameFiles) {
  write("data/a.txt", "1");
  write("data/b.txt", "2");
  write("data/c.bin", "3");
  const auto text = [](const char* from) {
    return std::string("service: abc\nprovider: {name: aws, runtime: python3.11}\npackage: {patterns: ['!**']}\n"
                       "functions:\n  f: {handler: app.run}\ncustom: {lectern: {pack: {f: {files: [") + from + "]}}}}\n";
  };
  auto report = pack({write("serverless.yml", text("'data/*.txt', {from: 'data/c.*', to: more}")), "", dir_->path() / "out"});
  ASSERT_TRUE(report) << report.error().message;
  std::vector<std::string> names;
  for (const auto& file : report->functions[0].files) names.push_back(file.path);
  EXPECT_THAT(names, ::testing::ElementsAre("data/a.txt", "data/b.txt", "more/c.bin"));
  report = pack({write("serverless.yml", text("'data/*.none'")), "", dir_->path() / "out"});
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("no file fits 'data/*.none'"));
}

TEST_F(Pack, NothingLeavesTheBundle) {
  write("a", "x");
  const auto config = write("serverless.yml",
                            "service: abc\nprovider: {name: aws, runtime: python3.11}\nfunctions:\n  f: {handler: app.run}\n"
                            "custom: {lectern: {pack: {f: {files: [{from: a, to: x/../../y}]}}}}\n");
  auto report = pack({config, "", dir_->path() / "out"});
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("leaves the bundle"));
}

TEST(Verify, AnswersAreComparedWithTolerance) {
  const std::string expected = R"({"a":[1,{"t":"x"}],"c":0.97,"timings":{"x":1}})";
  EXPECT_TRUE(sameAnswer(expected, R"({"timings":{"x":9},"c":0.975,"a":[1,{"t":"x"}]})", {"timings"}));
  const auto text = sameAnswer(expected, R"({"a":[1,{"t":"y"}],"c":0.97,"timings":{}})", {"timings"});
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().message, "the answer.a[1].t is \"y\", expected \"x\"");
  EXPECT_FALSE(sameAnswer(expected, R"({"a":[1,{"t":"x"}],"c":0.90,"timings":{}})", {"timings"}));
  EXPECT_FALSE(sameAnswer(expected, R"({"a":[1],"c":0.97})", {"timings"}));
  EXPECT_FALSE(sameAnswer(R"({"a":1})", R"({"a":1,"b":2})", {}));
  EXPECT_TRUE(sameAnswer("plain", "plain", {}));
}

TEST(Probe, AProcessThatEndsIsToldWithWhatItWrote) {
  const auto got = probe({{"/bin/ls", "/nowhere-at-all"}, {}, "{}", Seconds(120), 0});
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().message, HasSubstr("the process ended with status 2; it wrote: "));
}

TEST(Elf, DamageIsRefused) {
  const auto good = readFile("/proc/self/exe").value();
  std::mt19937 random(2);
  for (int i = 0; i < 300; ++i) {
    std::string broken = good.substr(0, 4096 + random() % 4096);
    for (int flips = 0; flips < 8; ++flips) broken[random() % 1024] ^= static_cast<char>(1 << random() % 8);
    (void)readElf(broken);  // any answer but a crash
    (void)stripElf(broken);
  }
  EXPECT_FALSE(readElf("\177ELF"));
}

}  // namespace
}  // namespace lectern::pack
