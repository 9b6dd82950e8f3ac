#include <gtest/gtest.h>

#include "base/json.h"
#include "contract/errors.h"
#include "contract/json_check.h"
#include "contract/limits.h"
#include "contract/names.h"
#include "contract/operations.h"

namespace lectern::contract {
namespace {

TEST(Names, EveryFormOfAFunctionName) {
  Place place;
  for (std::string text : {"f", "000000000000:function:f", "arn:aws:lambda:us-east-1:000000000000:function:f"}) {
    auto ref = parseFunctionRef(place, text, "");
    ASSERT_TRUE(ref) << text;
    EXPECT_EQ(ref->name, "f");
    EXPECT_EQ(ref->qualifier, "");
    auto qualified = parseFunctionRef(place, text + ":live", "live");
    ASSERT_TRUE(qualified) << text;
    EXPECT_EQ(qualified->qualifier, "live");
  }
  EXPECT_EQ(parseFunctionRef(place, "f:1", "2").error().message,
            "The derived qualifier from the function name does not match the specified qualifier.");
  EXPECT_EQ(parseFunctionRef(place, "arn:aws:lambda:eu-west-1:1:function:f", "").error().message,
            "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')");
  EXPECT_EQ(parseFunctionRef(place, std::string(65, 'x'), "").error().status, 400);
  for (std::string bad : {"", "a b", "../x", "a:b:c", "a/b", "arn:aws:s3:::x"}) {
    EXPECT_FALSE(parseFunctionRef(place, bad, "")) << bad;
  }
}

TEST(Names, Layers) {
  auto ref = parseLayerVersionArn("arn:aws:lambda:us-east-1:000000000000:layer:tesseract:12");
  ASSERT_TRUE(ref);
  EXPECT_EQ(ref->name, "tesseract");
  EXPECT_EQ(ref->version, 12);
  EXPECT_FALSE(parseLayerVersionArn("arn:aws:lambda:us-east-1:000000000000:layer:tesseract"));
  EXPECT_FALSE(parseLayerVersionArn("arn:aws:lambda:us-east-1:000000000000:layer:tesseract:1x"));
}

TEST(Operations, PathsAreMatchedEncoded) {
  auto match = matchOperation("POST", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Ax%3Af/invocations", "");
  ASSERT_TRUE(match);
  EXPECT_EQ(match->info->operation, Operation::kInvoke);
  EXPECT_EQ(match->parameter("FunctionName"), "arn:aws:lambda:x:f");
  EXPECT_EQ(matchOperation("GET", "/2015-03-31/functions/", "")->info->operation, Operation::kListFunctions);
  EXPECT_EQ(matchOperation("GET", "/2018-10-31/layers", "find=LayerVersion&Arn=x")->info->operation,
            Operation::kGetLayerVersionByArn);
  EXPECT_EQ(matchOperation("GET", "/2018-10-31/layers", "")->info->operation, Operation::kListLayers);
  EXPECT_EQ(matchOperation("GET", "/2019-09-30/functions/f/provisioned-concurrency", "List=ALL")->info->operation,
            Operation::kListProvisionedConcurrencyConfigs);
  EXPECT_FALSE(matchOperation("GET", "/", ""));
  EXPECT_FALSE(matchOperation("GET", "/2015-03-31/functions/a/b/c/d", ""));
  EXPECT_FALSE(matchOperation("GET", "/2015-03-31/functions/%zz", ""));
}

TEST(Errors, BodiesAsOnTheWire) {
  EXPECT_EQ(
      throttled("ReservedFunctionConcurrentInvocationLimitExceeded").body(),
      R"({"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."})");
  EXPECT_EQ(functionNotFound("arn:x").body(), R"({"Type":"User","Message":"Function not found: arn:x"})");
  EXPECT_EQ(
      functionErrorBody(error_type::kTimeout, "id", "Task timed out after 1.00 seconds"),
      R"({"errorType":"Sandbox.Timedout","errorMessage":"RequestId: id Error: Task timed out after 1.00 seconds"})");
}

TEST(JsonCheck, AcceptsJsonOnly) {
  for (std::string good :
       {"{}", "[]", "null", " 1 ", "-0.5e+10", "\"a\"", "[1,[2,{\"a\":[]}],\"x\"]", "{\"a\":1,\"b\":{}}",
        "\"\\u00e9\\n\"", "\"\xc3\xa9 \xf0\x9f\x98\x80\"", "\"0123456789abcdef0123456789\""}) {
    EXPECT_TRUE(isJson(good)) << good;
  }
  for (std::string bad : {"",
                          " ",
                          "{",
                          "}",
                          "[1,]",
                          "{\"a\"}",
                          "{\"a\":}",
                          "{a:1}",
                          "01",
                          "1.",
                          "-",
                          "1e",
                          "tru",
                          "\"",
                          "\"\n\"",
                          "\"\\x\"",
                          "\"\\u12g4\"",
                          "\"\xff\"",
                          "\"\xc0\x80\"",
                          "\"\xed\xa0\x80\"",
                          "1 2",
                          "[1}",
                          "{]",
                          "[1 2]",
                          "{\"a\":1,}"}) {
    EXPECT_FALSE(isJson(bad)) << bad;
  }
  EXPECT_TRUE(isJson(std::string(512, '[') + std::string(512, ']')));
  EXPECT_FALSE(isJson(std::string(513, '[') + std::string(513, ']')));
}

// The library's parser is the reference, on small texts of every kind of character.
TEST(JsonCheck, AgreesWithTheLibrary) {
  const std::string letters = "{}[]\",:0-1.e tfn\\u\n";
  uint64_t random = 1;
  int accepted = 0;
  for (int i = 0; i < 300'000; ++i) {
    std::string text;
    random = random * 6364136223846793005u + 1442695040888963407u;
    for (uint64_t bits = random >> 8, n = random >> 61; n > 0; --n, bits /= letters.size()) {
      text += letters[bits % letters.size()];
    }
    bool ours = isJson(text);
    accepted += ours;
    ASSERT_EQ(ours, bool(parseJson(text))) << text;
  }
  EXPECT_GT(accepted, 1000);
}

TEST(Limits, ProfilesDiffer) {
  EXPECT_EQ(limitsFor(Quotas::kCurrent).max_memory_mb, 10240);
  EXPECT_EQ(limitsFor(Quotas::k2020).max_memory_mb, 3008);
  EXPECT_DOUBLE_EQ(cpuShare(limitsFor(Quotas::kCurrent), 1769), 1.0);
  EXPECT_EQ(visibleCores(128), 2);
  EXPECT_EQ(visibleCores(10240), 6);
  EXPECT_FALSE(quotasFromName("2019"));
}

}  // namespace
}  // namespace lectern::contract
