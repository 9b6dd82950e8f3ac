#include <gtest/gtest.h>

#include <filesystem>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "base/text.h"
#include "base/yaml.h"

namespace lectern {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return fail(Code::kInvalid, "odd");
  return n / 2;
}
Result<int> quarter(int n) {
  TRY(const int h, half(n));
  return half(h);
}

TEST(ResultTest, TryReturnsTheFirstError) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().message, "odd");
  EXPECT_EQ(quarter(3).error().with("x").message, "x: odd");
}

TEST(VirtualClockTest, TimersFireInOrderOfTimeThenCreation) {
  VirtualClock clock;
  std::string order;
  clock.at(SteadyTime{20}, [&] { order += 'c'; });
  clock.at(SteadyTime{10}, [&] { order += 'a'; });
  const auto cancelled = clock.at(SteadyTime{10}, [&] { order += 'x'; });
  clock.at(SteadyTime{10}, [&] { order += 'b'; });
  clock.cancel(cancelled);
  clock.advanceTo(SteadyTime{15});
  EXPECT_EQ(order, "ab");
  EXPECT_EQ(clock.now().nanos, 15);
  while (clock.step()) {
  }
  EXPECT_EQ(order, "abc");
}

TEST(FilesTest, AtomicWriteReplacesAndLeavesNothingBehind) {
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  const auto path = dir->path() / "f";
  ASSERT_TRUE(writeFileAtomic(path, "one"));
  ASSERT_TRUE(writeFileAtomic(path, "two"));
  EXPECT_EQ(*readFile(path), "two");
  EXPECT_EQ(readFile(path, Bytes{2}).error().code, Code::kTooLarge);
  EXPECT_EQ(readFile(dir->path() / "none").error().code, Code::kNotFound);
  EXPECT_FALSE(writeFileAtomic(dir->path() / "no" / "f", "x"));
  int files = 0;
  for (const auto& e : std::filesystem::directory_iterator(dir->path())) files += e.exists() ? 1 : 0;
  EXPECT_EQ(files, 1);
}

TEST(HashTest, KnownVectors) {
  EXPECT_EQ(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(toHex(hmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  // RFC 4231, case 6: a key longer than a block.
  EXPECT_EQ(toHex(hmacSha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  for (const std::string text : {"", "f", "fo", "foo", "foob"}) EXPECT_EQ(*base64Decode(base64Encode(text)), text);
  EXPECT_FALSE(base64Decode("a"));
  EXPECT_FALSE(base64Decode("****"));
}

TEST(IdsTest, UuidsAreVersionFourAndDiffer) {
  const auto a = newUuid();
  EXPECT_EQ(a.size(), 36u);
  EXPECT_EQ(a[14], '4');
  EXPECT_NE(a, newUuid());
}

TEST(JsonTest, FaultsAreNamed) {
  EXPECT_TRUE(parseJson("{\"a\":[1,2.5,null]}"));
  EXPECT_FALSE(parseJson("{\"a\":}"));
  EXPECT_FALSE(parseJson("1 2"));
  EXPECT_FALSE(parseJson(std::string(100, '[')));
  EXPECT_EQ(toPrettyJson(*parseJson("{\"a\":[1,2],\"b\":{}}")), "{\n  \"a\": [1,2],\n  \"b\": {}\n}\n");
}

TEST(TextTest, PrintableKeepsCharactersAndReplacesTheRest) {
  EXPECT_EQ(printable("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(printable("a\nb\x1b[2J\x7f"), "a?b?[2J?");
  EXPECT_EQ(printable("\xc2\x9b" "31m", '_'), "__31m");
  EXPECT_EQ(printable("caf\xe9.jpg", '_'), "caf_.jpg");
  for (const char* bad : {"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80", "\xff"}) {
    EXPECT_EQ(printable(bad), std::string(std::string_view(bad).size(), '?'));
  }
}

TEST(YamlTest, PlacesAndLimits) {
  auto doc = parseYaml("a: 1\nb:\n  - 'x'\n  - true\n", "f.yml");
  ASSERT_TRUE(doc);
  EXPECT_EQ(*doc->find("a")->asInt(), 1);
  EXPECT_EQ(doc->find("b")->list[1].place("f.yml"), "f.yml:4:5");
  EXPECT_EQ(*doc->find("b")->list[1].asBool(), true);
  EXPECT_EQ(parseYaml("a: [", "f.yml").error().code, Code::kInvalid);
  EXPECT_FALSE(parseYaml("a: 1\na: 2\n", "f.yml"));
}

}  // namespace
}  // namespace lectern
