#include "reader/workflow/fingerprint.h"

#include <gtest/gtest.h>

#include "reader/workflow/samples.h"

namespace lectern::reader {
namespace {

TEST(FingerprintTest, DocumentsOfOneKindAreAlikeAndOthersAreNone) {
  const auto one = fingerprintOf(tillReceipt("a", "MANIS", "74.82", 2));
  const auto other = fingerprintOf(tillReceipt("b", "OLA", "9.10", 6));
  const auto cafe = fingerprintOf(cafeBill("c"));
  EXPECT_GT(alike(one, other), 0.7);
  EXPECT_LT(alike(one, cafe), 0.4);
  EXPECT_NEAR(alike(one, one), 1, 1e-6);
  const std::vector<KnownTemplate> known = {{"till", one, 1}};
  EXPECT_EQ(identify(other, known).index, 0);
  EXPECT_EQ(identify(cafe, known).index, -1);
  EXPECT_EQ(identify(fingerprintOf(Document()), known).index, -1);
}

TEST(FingerprintTest, TwoTemplatesThatAreEquallyLikeAreNoAnswer) {
  const auto one = fingerprintOf(tillReceipt("a", "MANIS", "74.82", 2));
  EXPECT_EQ(identify(one, {{"x", one, 1}, {"y", one, 1}}).index, -1);
}

TEST(FingerprintTest, BytesGoBackAndDamagedOnesAreRefused) {
  const auto one = fingerprintOf(cafeBill("c"));
  EXPECT_EQ(*fingerprintFromBytes(toBytes(one)), one);
  EXPECT_EQ(fingerprintFromBytes("abcd").error().code, Code::kCorrupt);
  const auto mean = withSample(one, 1, fingerprintOf(tillReceipt("a", "MANIS", "74.82", 2)));
  EXPECT_GT(alike(mean, one), 0.5);
}

}  // namespace
}  // namespace lectern::reader
