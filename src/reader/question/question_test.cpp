#include "reader/question/question.h"

#include <gtest/gtest.h>

#include <tuple>

#include "base/files.h"
#include "reader/question/lexicon.h"
#include "reader/store/store.h"

namespace lectern::reader {
namespace {

Document receipt(const std::string& name, const std::string& company, const std::string& date,
                 const std::string& total) {
  Document d;
  d.name = name;
  d.sha256 = name;
  d.type = "receipt";
  d.type_confidence = 0.9f;
  Page page;
  page.width = page.height = 400;
  const char* texts[] = {"Cashier:", "MANIS", "Total", "Thanks"};
  for (int i = 0; i < 4; ++i) {
    Word w;
    w.text = texts[i];
    w.box = {10 + 100 * (i % 2), 10 + 30 * (i / 2), 90 + 100 * (i % 2), 30 + 30 * (i / 2)};
    w.line = i;
    page.words.push_back(w);
    Line l;
    l.text = w.text;
    l.box = w.box;
    l.quad = quadOf(w.box);
    l.words = {i};
    page.lines.push_back(l);
  }
  page.key_values.push_back({"Cashier:", "MANIS", {0}, {1}, 0.9f});
  d.pages.push_back(page);
  d.fields = {{"company", company, company, 1, {0}, 0.9f},
              {"date", date, "printed " + date, 1, {1}, 0.9f},
              {"total", total, total, 1, {2}, 0.8f}};
  assignIds(d);
  d.pages[0].relations.push_back({"l2", "l1", "right_of", 10});
  d.pages[0].relations.push_back({"l4", "l2", "below", 10});
  return d;
}

class QuestionTest : public testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::create();
    ASSERT_TRUE(dir);
    dir_ = std::make_unique<TempDir>(std::move(*dir));
    auto store = Store::open(path());
    ASSERT_TRUE(store);
    ASSERT_TRUE((*store)->put(receipt("a", "AEON CO. BHD", "2018-03-05", "10.00")));
    ASSERT_TRUE((*store)->put(receipt("b", "AEON CO. BHD", "2018-03-09", "12.50")));
    ASSERT_TRUE((*store)->put(receipt("c", "OTHER LTD", "2019-01-01", "99.00")));
    auto asker = Asker::open(path(), clock_);
    ASSERT_TRUE(asker) << asker.error().message;
    asker_ = std::move(*asker);
  }
  std::filesystem::path path() const { return dir_->path() / "d.db"; }
  std::string ask(const std::string& question, const std::string& document) {
    auto answer = asker_->ask(question, document);
    return !answer ? "error: " + answer.error().message : answer->answer.value_or("(none)");
  }
  RealClock clock_;
  std::unique_ptr<TempDir> dir_;
  std::unique_ptr<Asker> asker_;
};

/// A page of lines, each at its place, without keys and fields.
Document printed(const std::string& name, const std::vector<std::tuple<int, int, std::string>>& lines) {
  Document d;
  d.name = name;
  d.sha256 = name;
  Page page;
  page.width = page.height = 800;
  for (const auto& [x, y, text] : lines) {
    Line l;
    l.text = text;
    l.box = {x, y, x + 8 * static_cast<int>(text.size()), y + 16};
    l.quad = quadOf(l.box);
    Word w;
    w.text = text;
    w.box = l.box;
    w.line = static_cast<int>(page.lines.size());
    l.words = {static_cast<int>(page.words.size())};
    page.words.push_back(w);
    page.lines.push_back(l);
  }
  d.pages.push_back(page);
  assignIds(d);
  return d;
}

TEST_F(QuestionTest, EverydayQuestionsAboutAReceipt) {
  auto store = Store::open(path());
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->put(printed("till", {{10, 10, "GST ID No: 000713550218"},
                                             {10, 40, "10/03/2018 17:24:07"},
                                             {10, 70, "Cashier 12.34"},
                                             {10, 100, "Total"},
                                             {300, 100, "8.50"},
                                             {10, 130, "Cash Tendered"},
                                             {300, 132, "50.00"},
                                             {10, 160, "Change"},
                                             {300, 158, "RM 41.50"},
                                             {10, 190, "Co. Reg No: JM0412077-K"},
                                             {10, 220, "TOTAL INCLUDES 6% GST"},
                                             {10, 250, "Fax: 03-2241 8822"},
                                             {10, 280, "Date of delivery 20 November 2020"},
                                             {10, 310, "Your order PK778"}})));
  EXPECT_EQ(ask("How much cash was given?", "till"), "50.00");
  EXPECT_EQ(ask("What is the change?", "till"), "41.50");
  EXPECT_EQ(ask("How much money did I get back?", "till"), "41.50");
  EXPECT_EQ(ask("What time was it?", "till"), "17:24:07");
  EXPECT_EQ(ask("What is the GST number?", "till"), "000713550218");
  EXPECT_EQ(ask("What is the company registration number?", "till"), "JM0412077-K");
  EXPECT_EQ(ask("What is the tax rate?", "till"), "6%");
  EXPECT_EQ(ask("What is the fax number?", "till"), "03-2241 8822");
  EXPECT_EQ(ask("How was it paid?", "till"), "Cash");
  EXPECT_EQ(ask("When was it delivered?", "till"), "20 November 2020");
  EXPECT_EQ(ask("What is the order number?", "till"), "PK778");
  EXPECT_EQ(ask("What is the rounding?", "till"), "(none)");
  EXPECT_EQ(ask("How many items were bought?", "till"), "(none)");
}

TEST_F(QuestionTest, WhatIsNotPrintedIsNotAnsweredByAnotherField) {
  EXPECT_EQ(ask("How much cash was given?", "a"), "(none)");
  EXPECT_EQ(ask("How was it paid?", "a"), "(none)");
  EXPECT_EQ(ask("Who is the customer?", "a"), "(none)");
  EXPECT_EQ(ask("What time was it?", "a"), "(none)");
}

TEST_F(QuestionTest, FormsAreAskedInOtherWordsThanTheyUse) {
  auto store = Store::open(path());
  ASSERT_TRUE(store);
  Document d = printed("memo", {{10, 10, "TO:"}, {80, 10, "Warehouse 4"}, {10, 40, "FROM:"}, {80, 40, "Head office"},
                                {10, 70, "DATE:"}, {80, 70, "2/28/84"}, {10, 100, "BRAND NAME:"}, {120, 100, "Satin"},
                                {10, 130, "Approved by:"}, {120, 130, "The board"}});
  for (int i = 0; i < 10; i += 2)
    d.pages[0].key_values.push_back({d.pages[0].words[static_cast<size_t>(i)].text,
                                     d.pages[0].words[static_cast<size_t>(i) + 1].text, {i}, {i + 1}, 0.9f});
  ASSERT_TRUE((*store)->put(d));
  EXPECT_EQ(ask("To whom is it addressed?", "memo"), "Warehouse 4");
  EXPECT_EQ(ask("Who sent it?", "memo"), "Head office");
  EXPECT_EQ(ask("When was it sent?", "memo"), "2/28/84");
  EXPECT_EQ(ask("What is the brand?", "memo"), "Satin");
  EXPECT_EQ(ask("Who approved it?", "memo"), "The board");
  EXPECT_EQ(ask("Who signed it?", "memo"), "(none)");
  EXPECT_EQ(ask("What is the subject?", "memo"), "(none)");
}

TEST_F(QuestionTest, FieldsKeysAndWhatIsNotThere) {
  EXPECT_EQ(ask("What is the total amount?", "a"), "10.00");
  EXPECT_EQ(ask("How much was paid?", "b"), "12.50");
  EXPECT_EQ(ask("When was the receipt issued?", "a"), "printed 2018-03-05");
  EXPECT_EQ(ask("Who is the seller?", "c"), "OTHER LTD");
  EXPECT_EQ(ask("Who is the cashier?", "a"), "MANIS");
  EXPECT_EQ(ask("What is the passport number?", "a"), "(none)");
  EXPECT_EQ(ask("What is the IBAN?", "a"), "(none)");
  EXPECT_EQ(ask("What kind of document is this?", "a"), "receipt");
  EXPECT_EQ(ask("How many words are there?", "a"), "4");
  EXPECT_EQ(ask("What is the total?", "zzz").substr(0, 6), "error:");
}

TEST_F(QuestionTest, DirectionsAndFollowUps) {
  EXPECT_EQ(ask("What is to the right of \"Cashier:\"?", "a"), "MANIS");
  EXPECT_EQ(ask("And the one below?", "a"), "Thanks");
}

TEST_F(QuestionTest, ManyDocuments) {
  EXPECT_EQ(ask("What is the total of all receipts from Aeon in March 2018?", ""), "22.5");
  EXPECT_EQ(ask("How many receipts are there?", ""), "3");
  EXPECT_EQ(ask("What is the highest total?", ""), "99.00");
}

TEST_F(QuestionTest, TheSqlComesWithTheAnswerAndOnlyReads) {
  auto answer = asker_->ask("What is the total?", "a");
  ASSERT_TRUE(answer);
  EXPECT_NE(answer->sql.find("'total'"), std::string::npos);
  ASSERT_TRUE(answer->box);
  EXPECT_EQ(answer->page, 1);
  for (const char* bad : {"DELETE FROM document", "ATTACH 'x' AS y", "PRAGMA journal_mode=WAL",
                          "SELECT load_extension('x')", "CREATE TABLE t(x)", "SELECT writefile('a','b')"}) {
    EXPECT_FALSE(asker_->sql(bad)) << bad;
  }
  EXPECT_TRUE(asker_->sql("SELECT name FROM document"));
}

TEST_F(QuestionTest, EndlessSqlIsStopped) {
  auto asker = Asker::open(path(), clock_, {50, 10});
  ASSERT_TRUE(asker);
  auto endless = (*asker)->sql("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) SELECT count(*) FROM n");
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().code, Code::kTimeout);
  auto many = (*asker)->sql("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) SELECT x FROM n");
  ASSERT_TRUE(many);
  EXPECT_TRUE(many->truncated);
}

TEST(LexiconTest, LikenessForgivesConfusions) {
  EXPECT_GT(likeness("invoice no", "lnv0ice no"), 0.9);
  EXPECT_LT(likeness("date", "total"), 0.5);
  EXPECT_EQ(dateAsked("in march 2018"), "2018-03");
}

TEST_F(QuestionTest, AFieldIsFollowedFromItsLine) {
  ASSERT_TRUE(asker_->ask("What is the date?", "a"));
  const auto below = asker_->ask("and the one below?", "a");
  ASSERT_TRUE(below);
  EXPECT_EQ(below->answer, "Thanks");
}

}  // namespace
}  // namespace lectern::reader
