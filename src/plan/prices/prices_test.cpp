#include <gtest/gtest.h>

#include <cmath>

#include "plan/prices/usage.h"

namespace lectern::plan {
namespace {

PricedUsage priced(const std::string& text, std::string_view book = "") {
  const auto json = parseJson(text);
  EXPECT_TRUE(json) << text;
  auto usage = priceUsage(json->as_object(), book);
  EXPECT_TRUE(usage) << (usage ? "" : usage.error().message);
  return usage ? *usage : PricedUsage{};
}

std::string lambda(const std::string& arch, int memory, const std::string& duration) {
  return R"({"items":[{"service":"lambda","arch":")" + arch + R"(","memory_mb":)" + std::to_string(memory) +
         R"(,"duration_ms":)" + duration + R"(,"count":1}]})";
}

/// Published vectors carry 10 significant digits at most.
void expectDigits(Money got, double want) { EXPECT_NEAR(got.usd() / want, 1.0, 6e-10) << formatMoney(got); }

struct Vector {
  int memory;
  const char* duration;
  int64_t billed_2020, billed_now;
  double usd_2020, usd_now, usd_arm;
};

TEST(Prices, GoldenVectors) {
  const Vector vectors[] = {
      {3008, "1234", 1300, 1234, 6.364596063e-5, 6.041470416e-5, 4.833190832e-5},
      {3008, "1300", 1300, 1300, 6.364596063e-5, 6.364596063e-5, 5.091692125e-5},
      {3008, "1300.01", 1400, 1301, 6.854180375e-5, 6.369491906e-5, 5.095608811e-5},
      {128, "1", 100, 1, 2.0833375e-7, 2.0833375e-9, 1.666675e-9},
      {1024, "100", 100, 100, 1.66667e-6, 1.66667e-6, 1.33334e-6},
      {512, "250.4", 300, 251, 2.500005e-6, 2.09167085e-6, 1.6733417e-6},
      {2048, "61234.5", 61300, 61235, 2.04333742e-3, 2.041170749e-3, 1.632941498e-3},
  };
  for (const Vector& v : vectors) {
    SCOPED_TRACE(v.duration);
    const auto old = priced(lambda("x86_64", v.memory, v.duration), "aws-2020").items.at(0);
    EXPECT_EQ(old.billed_ms, v.billed_2020);
    expectDigits(old.duration, v.usd_2020);
    const auto now = priced(lambda("x86_64", v.memory, v.duration), "aws-2026").items.at(0);
    EXPECT_EQ(now.billed_ms, v.billed_now);
    expectDigits(now.duration, v.usd_now);
    expectDigits(priced(lambda("arm64", v.memory, v.duration), "aws-2026").items.at(0).duration, v.usd_arm);
    EXPECT_EQ(now.request, *parseMoney("0.0000002"));
  }
}

TEST(Prices, GoldenVectorsOfOtherVendors) {
  expectDigits(priced(R"({"items":[{"service":"cloud-run","vcpu":2,"memory_gib":4,"duration_ms":1234}]})").items[0].duration,
               7.54e-5);
  expectDigits(priced(R"({"items":[{"service":"azure-consumption","memory_mb":160,"duration_ms":37}]})").items[0].duration,
               4.0e-7);
  expectDigits(priced(R"({"items":[{"service":"azure-consumption","memory_mb":900,"duration_ms":1234}]})").items[0].duration,
               1.9744e-5);
  // Cloud Functions, price of 100 ms of every size.
  const std::pair<int, double> sizes[] = {{128, 2.3125e-7}, {256, 4.625e-7}, {512, 9.25e-7}, {1024, 1.65e-6},
                                          {2048, 2.9e-6},   {4096, 5.8e-6},  {8192, 6.8e-6}};
  for (const auto& [memory, usd] : sizes) {
    const std::string text = R"({"items":[{"service":"cloud-functions","duration_ms":1,"memory_mb":)" +
                             std::to_string(memory) + "}]}";
    expectDigits(priced(text).items[0].duration, usd);
  }
}

TEST(Prices, TiersOfAMonth) {
  auto book = loadBook("aws-2026");
  ASSERT_TRUE(book) << book.error().message;
  Bill bill(*book);
  const auto charge = [&](const char* id, Int128 gbs) { return bill.charge(id, units(gbs), "")->usd(); };
  EXPECT_NEAR(charge("lambda.duration.x86_64", 6'000'000'000), 100'000.20, 0.005);
  EXPECT_NEAR(charge("lambda.duration.x86_64", 9'000'000'000), 135'000.00, 0.005);
  EXPECT_NEAR(charge("lambda.duration.x86_64", 15'000'000'000), 200'001.00, 0.005);
  EXPECT_NEAR(charge("lambda.duration.arm64", 7'500'000'000), 100'000.50, 0.005);
  EXPECT_NEAR(charge("lambda.duration.arm64", 11'250'000'000), 135'001.125, 0.005);
  EXPECT_NEAR(charge("lambda.duration.arm64", 18'750'000'000), 200'000.625, 0.005);
  // In one sum it is the same.
  Bill whole(*book);
  EXPECT_NEAR(whole.charge("lambda.duration.x86_64", units(30'000'000'000), "")->usd(), 435'001.20, 0.005);
}

TEST(Prices, FreeTierAcrossItems) {
  const std::string text = R"({"book":"aws-2026","free_tier":true,"items":[
    {"service":"lambda","arch":"x86_64","memory_mb":1024,"duration_ms":1000,"count":300000},
    {"service":"lambda","arch":"x86_64","memory_mb":1024,"duration_ms":1000,"count":300000},
    {"service":"lambda","arch":"x86_64","memory_mb":1024,"duration_ms":1000,"count":500000}]})";
  const PricedUsage usage = priced(text);
  EXPECT_EQ(usage.items[0].total().value, 0);
  EXPECT_NEAR(usage.items[1].duration.usd(), 200'000 * 0.0000166667, 1e-9);
  EXPECT_NEAR(usage.items[2].request.usd(), 100'000 * 0.0000002, 1e-12);
}

TEST(Prices, FieldsThatNobodyHasAreNamed) {
  const PricedUsage usage =
      priced(R"({"items":[{"service":"lambda","memory_mb":128,"duration_ms":5,"coutn":3,"name":"a"}]})");
  ASSERT_EQ(usage.warnings.size(), 1u);
  EXPECT_EQ(usage.warnings[0], "items[0]: no service has a field \"coutn\"");
  EXPECT_TRUE(priced(lambda("x86_64", 128, "5")).warnings.empty());
  EXPECT_FALSE(priceUsage(parseJson(R"({"book":"nope","items":[]})")->as_object(), ""));
}

TEST(Prices, MachinesByTheSecond) {
  const auto vm = [](const char* seconds) {
    return priced(std::string(R"({"book":"aws-2020","items":[{"service":"ec2","type":"m5d.12xlarge","seconds":)") +
                  seconds + "}]}").total.usd();
  };
  EXPECT_NEAR(vm("600"), 2.712 / 6, 1e-12);
  EXPECT_NEAR(vm("1"), 2.712 / 60, 1e-12);
  EXPECT_NEAR(vm("60.5"), 2.712 * 61 / 3600, 1e-12);
}

TEST(Prices, ProvisionedConcurrencyRoundsToFiveMinutes) {
  const auto usage = priced(
      R"({"items":[{"service":"lambda-provisioned","memory_mb":3008,"concurrency":1,"kept_ms":3600000}]})");
  EXPECT_NEAR(usage.total.usd(), 0.0441, 0.0001);
  const auto brief = priced(
      R"({"items":[{"service":"lambda-provisioned","memory_mb":1024,"concurrency":2,"kept_ms":1}]})");
  EXPECT_NEAR(brief.total.usd(), 2 * 300 * 0.0000041667, 1e-12);
}

TEST(Prices, ErrorsNameThePlace) {
  const auto error = [](const char* text) {
    auto usage = priceUsage(parseJson(text)->as_object(), "");
    return usage ? std::string() : usage.error().message;
  };
  EXPECT_EQ(error(R"({"items":[{"service":"lambda","duration_ms":1}]})"), "items[0]: memory_mb is missing");
  EXPECT_NE(error(R"({"items":[{"service":"lambda","memory_mb":-5,"duration_ms":1}]})"), "");
  EXPECT_NE(error(R"({"items":[{"service":"lambda","memory_mb":128,"duration_ms":-1}]})"), "");
  EXPECT_NE(error(R"({"items":[{"service":"nothing"}]})"), "");
  EXPECT_NE(error(R"({"book":"aws-1999","items":[{"service":"lambda"}]})"), "");
  EXPECT_NE(error(R"({"book":"aws-2020","items":[{"service":"lambda","arch":"arm64","memory_mb":128,"duration_ms":1}]})"), "");
}

TEST(Prices, EveryBookParsesAndNamesItsSources) {
  for (const std::string& name : bookNames()) {
    const auto book = loadBook(name);
    ASSERT_TRUE(book) << name << ": " << book.error().message;
    EXPECT_EQ(book->name, name);
    for (const Price& price : book->prices) EXPECT_FALSE(price.source.empty()) << price.id;
  }
  EXPECT_GE(bookNames().size(), 5u);
}

TEST(Money, TextBothWays) {
  for (const char* text : {"0.0000166667", "1", "123456.789", "0.000000000000000000000001", "0"}) {
    EXPECT_EQ(formatMoney(*parseMoney(text), 24), text);
  }
  EXPECT_FALSE(parseMoney("1e-5"));
  EXPECT_FALSE(parseMoney("-1"));
  EXPECT_FALSE(parseMoney(""));
  EXPECT_EQ(formatMoney(*parseMoney("0.00006364596063125"), 12), "0.0000636459606313");
  EXPECT_EQ(formatMoney(*parseMoney("0.99999"), 2), "1");
  EXPECT_EQ(parseMoney("0.0000000015")->nanodollars().value, 2);
}

}  // namespace
}  // namespace lectern::plan
