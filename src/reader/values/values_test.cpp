#include "reader/values/values.h"

#include <gtest/gtest.h>

#include <sstream>

#include "reader/values/dates.h"
#include "reader/values/numbers.h"

namespace lectern::reader {
namespace {

Page pageOf(const std::vector<std::string>& lines) {
  Page page;
  for (const auto& text : lines) {
    Line line;
    line.text = text;
    std::istringstream words(text);
    for (std::string w; words >> w;) {
      line.words.push_back(static_cast<int>(page.words.size()));
      Word word;
      word.text = w;
      page.words.push_back(word);
    }
    page.lines.push_back(line);
  }
  return page;
}

std::vector<std::string> valuesOf(const std::string& text, Conventions c = {}) {
  Page page = pageOf({text});
  findValues(page, c);
  std::vector<std::string> out;
  for (const auto& v : page.values) {
    out.push_back((v.semantic_type.empty() ? v.simple_type : v.semantic_type) + "=" + v.normalized);
  }
  return out;
}

using Strings = std::vector<std::string>;

TEST(ValuesTest, WordsAroundAValueSayWhatItIs) {
  Conventions comma;
  comma.decimal = ',';
  EXPECT_EQ(valuesOf("Mo-Fr 8.00-20.00 Uhr, Sa 8.00 Uhr", comma), (Strings{"time=08:00", "time=20:00", "time=08:00"}));
  EXPECT_EQ(valuesOf("Bestellung vom 01.03.2018.", comma), (Strings{"date=2018-03-01"}));
  EXPECT_EQ(valuesOf("July 1 - July 31 , 2014").back(), "date=2014-07-31");
  EXPECT_EQ(valuesOf("1,5000 € und -0,03 €/Stk.", comma), (Strings{"amount=1.5000", "amount=-0.03"}));
  for (const auto& v : valuesOf("bis zum 19.12. ist", comma)) EXPECT_FALSE(v.starts_with("amount")) << v;
  EXPECT_EQ(valuesOf("DE123456789"), (Strings{"vat_id=DE123456789"}));  // an example: its check digit is wrong
}

TEST(ValuesTest, ATimeRunTogetherWithADateLeavesTheDate) {
  Conventions c;
  c.day_first = true;
  EXPECT_EQ(valuesOf("21/02/1811:194027807", c).at(0), "date=2018-02-21");
  EXPECT_EQ(valuesOf("05/01/201813:30", c).at(0), "date=2018-01-05");
  EXPECT_EQ(valuesOf("25/12/20188:13:39 PM", c).at(0), "date=2018-12-25");
  for (const char* text : {"21/02/1899", "21/02/1825:19", "21/02/1811:79"}) {
    for (const auto& v : valuesOf(text, c)) EXPECT_FALSE(v.starts_with("date=2018")) << text;
  }
}


TEST(ValuesTest, DatesInManyForms) {
  EXPECT_EQ(valuesOf("Date: 25/12/2018 8:13:39 PM"), (Strings{"date=2018-12-25", "time=20:13:39"}));
  EXPECT_EQ(valuesOf("10-03-201823:03:06"), (Strings{"date=2018-03-10", "time=23:03:06"}));
  EXPECT_EQ(valuesOf("August 3 , 2014"), (Strings{"date=2014-08-03"}));
  EXPECT_EQ(valuesOf("den 5. März 2018"), (Strings{"date=2018-03-05"}));
  EXPECT_EQ(valuesOf("15 JUN 18"), (Strings{"date=2018-06-15"}));
  EXPECT_EQ(valuesOf("18/03/1B"), (Strings{"date=2018-03-18"}));
  for (const auto& v : valuesOf("2018-02-30")) EXPECT_NE(v.substr(0, 5), "date=");
  EXPECT_FALSE(validDate(2018, 2, 29));
  EXPECT_TRUE(validDate(2016, 2, 29));
}

TEST(ValuesTest, NumbersFollowTheDocument) {
  EXPECT_EQ(plainNumber("1.234,56", ','), "1234.56");
  EXPECT_EQ(plainNumber("1,234", '.'), "1234");
  EXPECT_EQ(plainNumber("1.234", '.'), "1.234");
  EXPECT_EQ(plainNumber("(12.50)", '.'), "-12.50");
  EXPECT_EQ(plainNumber("abc", '.'), std::nullopt);
  EXPECT_EQ(valuesOf("Total RM 1,203.50"), (Strings{"amount=1203.50"}));
  EXPECT_EQ(valuesOf("RM53. 60"), (Strings{"amount=53.60"}));  // printed wide
  EXPECT_EQ(valuesOf("20. 40"), (Strings{"amount=20.40"}));
  EXPECT_EQ(valuesOf("page 12. 15 men"), (Strings{"integer=12", "integer=15"}));
  EXPECT_EQ(valuesOf("19,00 % von 473,00 €", {',', true, true}), (Strings{"percent=19.00", "amount=473.00"}));
}

TEST(ValuesTest, CodesAreCheckedAndRepaired) {
  EXPECT_EQ(valuesOf("IBAN: DE89 3704 0044 0532 0130 00"), (Strings{"iban=DE89370400440532013000"}));
  EXPECT_EQ(valuesOf("IBAN: DE89 37O4 0044 0532 0130 00"), (Strings{"iban=DE89370400440532013000"}));
  EXPECT_EQ(valuesOf("write to john @ x.com or www.x.com"), (Strings{"email=john@x.com", "url=www.x.com"}));
  EXPECT_EQ(valuesOf("TEL: 03- 8079 0255"), (Strings{"phone=03-80790255"}));
}

TEST(ValuesTest, TheDocumentDecidesDateOrderAndDecimalMark) {
  Document d;
  d.pages.push_back(pageOf({"12/25/2018", "01/02/2018", "1,000.50"}));
  const Conventions c = decideConventions(d);
  EXPECT_FALSE(c.day_first);
  EXPECT_TRUE(c.date_order_sure);
  EXPECT_EQ(c.decimal, '.');
  d.pages = {pageOf({"1.000,50", "3,20"})};
  EXPECT_EQ(decideConventions(d).decimal, ',');
}

}  // namespace
}  // namespace lectern::reader
