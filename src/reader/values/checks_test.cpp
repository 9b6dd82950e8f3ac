#include "reader/values/checks.h"

#include <gtest/gtest.h>

namespace lectern::reader {
namespace {

struct Case {
  const char* name;
  bool (*rule)(std::string_view);
  const char* good;
};

const Case kCases[] = {
    {"luhn", luhn, "79927398713"},
    {"card", luhn, "4111111111111111"},
    {"iban GB", isIban, "GB82WEST12345698765432"},
    {"iban DE", isIban, "DE89370400440532013000"},
    {"lei", isLei, "5493001KJTIIGC8Y1R12"},
    {"gstin", isGstin, "27AAPFU0939F1ZV"},
    {"isin", isIsin, "US0378331005"},
    {"cusip", isCusip, "037833100"},
    {"ean", isGtin, "4006381333931"},
    {"isbn13", isIsbn13, "9780306406157"},
    {"isbn10", isIsbn10, "0306406152"},
    {"issn", isIssn, "0378-5955"},
    {"aba", isAba, "122105155"},
    {"vin", isVin, "1M8GDM9AXKP042788"},
    {"verhoeff", verhoeff, "2363"},
    {"de vat", isVat, "DE136695976"},
    {"fr vat", isVat, "FR40303265045"},
    {"it vat", isVat, "IT00743110157"},
    {"gb vat", isVat, "GB980780684"},
    {"be vat", isVat, "BE0428759497"},
    {"gr vat", isVat, "EL094259216"},
    {"ie vat", isVat, "IE6433435F"},
    {"es vat", isVat, "ESA13585625"},
    {"pl vat", isVat, "PL8567346215"},
    {"nl vat", isVat, "NL004495445B01"},
    {"at vat", isVat, "ATU13585627"},
    {"container", isContainer, "CSQU3054383"},
    {"mrz", isMrzField, "L898902C36"},
};

TEST(ChecksTest, GoodCodesPassAndEveryChangedDigitFails) {
  for (const auto& c : kCases) {
    EXPECT_TRUE(c.rule(c.good)) << c.name;
    std::string bad = c.good;
    // The Dutch check digit stands before the B, all others stand at the end.
    char& last = bad[c.rule == isVat && bad[0] == 'N' ? 10 : bad.size() - 1];
    if (last >= '0' && last <= '9')
      last = static_cast<char>('0' + (last - '0' + 1) % 10);
    else
      last = last == 'A' ? 'B' : 'A';
    EXPECT_FALSE(c.rule(bad)) << c.name << " " << bad;
  }
}

TEST(ChecksTest, ShapesAreChecked) {
  EXPECT_FALSE(isIban("XX82WEST12345698765432"));
  EXPECT_FALSE(isIban("DE8937040044053201300"));
  EXPECT_FALSE(luhn(""));
  EXPECT_FALSE(isGtin("123"));
  EXPECT_TRUE(isPan("AAPFU0939F"));
  EXPECT_FALSE(isPan("AAPXU0939F"));
  EXPECT_TRUE(isIfsc("HDFC0000060"));
  EXPECT_TRUE(isBic("DEUTDEFF500"));
  EXPECT_FALSE(isBic("DEUTDE"));
}

}  // namespace
}  // namespace lectern::reader
