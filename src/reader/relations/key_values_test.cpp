#include <gtest/gtest.h>

#include <algorithm>

#include "reader/relations/relations.h"

namespace lectern::reader {
namespace {

constexpr int kLetter = 8, kHeight = 14;

/// A page that is typed onto: every call sets one detected line, cut into words at single spaces.
class Sheet {
 public:
  Sheet() {
    page_.width = 800;
    page_.height = 1000;
  }
  Sheet& line(int x, int y, const std::string& text, int height = kHeight) {
    Line line;
    line.text = text;
    size_t from = 0;
    while (from < text.size()) {
      const size_t to = std::min(text.find(' ', from), text.size());
      Word word;
      word.text = text.substr(from, to - from);
      word.box = {x + static_cast<int>(from) * kLetter, y, x + static_cast<int>(to) * kLetter, y + height};
      word.confidence = 0.9f;
      word.line = static_cast<int>(page_.lines.size());
      line.words.push_back(static_cast<int>(page_.words.size()));
      line.box = unite(line.box, word.box);
      page_.words.push_back(word);
      from = to + 1;
    }
    page_.lines.push_back(line);
    return *this;
  }
  Sheet& rule(int x0, int y, int x1) {
    page_.rules.push_back({"", {x0, y, x1, y + 1}, Orientation::kHorizontal});
    return *this;
  }
  Sheet& upright(int x, int y0, int y1) {
    page_.rules.push_back({"", {x, y0, x + 1, y1}, Orientation::kVertical});
    return *this;
  }
  std::vector<std::pair<std::string, std::string>> pairs(bool sections = false) {
    findKeyValues(page_);
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& kv : page_.key_values) {
      if (kv.section == sections) out.emplace_back(kv.key, kv.value);
    }
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  Page page_;
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(KeyValuesTest, AColonPartsLabelAndValueInOneLineAndOneWord) {
  EXPECT_EQ(Sheet().line(50, 50, "Ship to: Oslo, Norway").line(50, 90, "Ref:A-17 second part").pairs(),
            (Pairs{{"Ref:", "A-17 second part"}, {"Ship to:", "Oslo, Norway"}}));
}

TEST(KeyValuesTest, ALineToFillInPartsLabelAndValueWithoutColon) {
  Sheet sheet;
  sheet.line(50, 50, "Batch size 50 lbs. on 4 May").rule(136, 65, 198).rule(222, 65, 320);
  sheet.line(50, 90, "Requested by").rule(155, 105, 400);  // left empty
  EXPECT_EQ(sheet.pairs(), (Pairs{{"Batch size", "50 lbs."}, {"on", "4 May"}}));
}

TEST(KeyValuesTest, AValueGoesOnOnTheNextLineToFillIn) {
  Sheet sheet;
  sheet.line(50, 50, "Remarks").line(130, 50, "arrived late and").rule(120, 65, 400);
  sheet.line(60, 80, "in a wet box").rule(50, 95, 400);
  EXPECT_EQ(sheet.pairs(), (Pairs{{"Remarks", "arrived late and in a wet box"}}));
}

TEST(KeyValuesTest, ASmallLabelInTheCornerOfABoxNamesWhatTheBoxHolds) {
  Sheet sheet;
  sheet.rule(50, 100, 400).rule(50, 150, 400).upright(50, 100, 150).upright(220, 100, 150).upright(400, 100, 150);
  sheet.line(54, 103, "ACCOUNT", 8).line(70, 125, "Night Watch");
  sheet.line(224, 103, "STORED IN", 8).line(240, 125, "the back room").line(600, 400, "more text of the usual size");
  EXPECT_EQ(sheet.pairs(), (Pairs{{"ACCOUNT", "Night Watch"}, {"STORED IN", "the back room"}}));
}

TEST(KeyValuesTest, WhatStandsBehindTheLineToFillInIsNotTheValue) {
  Sheet sheet;  // the label stands on a line itself, and another one to fill in follows
  sheet.line(50, 100, "Name").rule(48, 114, 84).rule(88, 114, 125).line(150, 100, "12.50");
  EXPECT_EQ(sheet.pairs(), Pairs{});
}

TEST(KeyValuesTest, ColumnHeadingsNameEveryEntryBelow) {
  Sheet sheet;
  sheet.line(50, 50, "Code").line(200, 50, "Units").line(350, 50, "Amount").rule(45, 66, 430);
  sheet.line(50, 75, "725").line(200, 75, "50,759").line(350, 75, "$143.60");
  sheet.line(50, 95, "726").line(200, 95, "6,382").line(350, 95, "$12.00");
  EXPECT_EQ(sheet.pairs(), (Pairs{{"Amount", "$12.00"},
                                  {"Amount", "$143.60"},
                                  {"Code", "725"},
                                  {"Code", "726"},
                                  {"Units", "50,759"},
                                  {"Units", "6,382"}}));
}

TEST(KeyValuesTest, AHeadingIsPairedWithTheLabelsOfItsGroupAsASection) {
  Sheet sheet;
  sheet.line(50, 50, "Filters").rule(50, 65, 108);
  sheet.line(60, 80, "Length:").line(200, 80, "126 mm").line(60, 100, "Weight:").line(200, 100, "12 g");
  EXPECT_EQ(sheet.pairs(true), (Pairs{{"Filters", "Length:"}, {"Filters", "Weight:"}}));
  EXPECT_EQ(sheet.pairs(), (Pairs{{"Length:", "126 mm"}, {"Weight:", "12 g"}}));
}

TEST(KeyValuesTest, ACentredHeadingAndALongLabelWithoutValueBeginGroups) {
  Sheet sheet;
  sheet.line(250, 50, "YEARLY COSTS").line(50, 80, "Rent:").line(200, 80, "12").line(50, 100, "Heat:").line(200, 100, "7");
  sheet.line(50, 200, "PLEASE SEND IT TO:").line(60, 220, "Name:").line(200, 220, "The keeper");
  sheet.line(60, 240, "Town:").line(200, 240, "Oslo").line(50, 260, "SEND A COPY TO:");
  sheet.line(60, 280, "Floor:").line(200, 280, "4").line(60, 300, "Room:").line(200, 300, "17");
  EXPECT_EQ(sheet.pairs(true), (Pairs{{"PLEASE SEND IT TO:", "Name:"},
                                      {"PLEASE SEND IT TO:", "Town:"},
                                      {"SEND A COPY TO:", "Floor:"},
                                      {"SEND A COPY TO:", "Room:"},
                                      {"YEARLY COSTS", "Heat:"},
                                      {"YEARLY COSTS", "Rent:"}}));
}

TEST(KeyValuesTest, EveryNameOfADistributionListIsAValue) {
  Sheet sheet;
  sheet.line(50, 50, "cc:").line(100, 50, "Bakery").line(300, 50, "Dairy").line(100, 68, "Cellar");
  EXPECT_EQ(sheet.pairs(), (Pairs{{"cc:", "Bakery"}, {"cc:", "Cellar"}, {"cc:", "Dairy"}}));
}

TEST(KeyValuesTest, AValueThatBreaksOffGoesOnBelow) {
  Sheet sheet;
  sheet.line(50, 50, "Reported by:").line(220, 50, "The keeper, stores,").line(180, 68, "Trondheim");
  EXPECT_EQ(sheet.pairs(), (Pairs{{"Reported by:", "The keeper, stores, Trondheim"}}));
}

TEST(KeyValuesTest, AHintInParenthesesBelongsToItsLabel) {
  Sheet sheet;
  sheet.line(50, 50, "Late fee:").line(140, 50, "(after May 10)").line(400, 50, "185.00");
  EXPECT_EQ(sheet.pairs(), (Pairs{{"Late fee: (after May 10)", "185.00"}}));
}

TEST(KeyValuesTest, EntriesOfATableBelongToTheirRowToo) {
  Sheet sheet;
  sheet.line(200, 50, "Calls").line(350, 50, "Share").rule(195, 66, 430);
  sheet.line(50, 75, "Weekly").line(200, 75, "162").line(350, 75, "68%");
  sheet.line(50, 95, "Monthly").line(200, 95, "76").line(350, 95, "32%");
  EXPECT_EQ(sheet.pairs(), (Pairs{{"Calls", "162"},
                                  {"Calls", "76"},
                                  {"Monthly", "32%"},
                                  {"Monthly", "76"},
                                  {"Share", "32%"},
                                  {"Share", "68%"},
                                  {"Weekly", "162"},
                                  {"Weekly", "68%"}}));
}

TEST(KeyValuesTest, ATableEndsWhereItsRowsLoseTheirDistance) {
  Sheet sheet;
  sheet.line(50, 50, "Code").line(200, 50, "Units").rule(45, 66, 330);
  sheet.line(50, 70, "725").line(200, 70, "50,759").line(50, 118, "999").line(200, 118, "888");
  EXPECT_EQ(sheet.pairs(), (Pairs{{"Code", "725"}, {"Units", "50,759"}}));
}

TEST(KeyValuesTest, AListOfLabelsIsNoTable) {
  Sheet sheet;
  sheet.line(50, 50, "Maker").line(200, 50, "MK 9").rule(195, 66, 240);
  sheet.line(50, 75, "Length").line(200, 75, "84.0mm").rule(195, 91, 250);
  sheet.line(50, 100, "Paper").line(200, 100, "E-554").rule(195, 116, 240);
  EXPECT_EQ(sheet.pairs(), (Pairs{{"Length", "84.0mm"}, {"Maker", "MK 9"}, {"Paper", "E-554"}}));
}

TEST(KeyValuesTest, ARowOfDataIsNoSecondLineOfHeadings) {
  Sheet sheet;
  sheet.line(50, 50, "FILE TYPE").line(200, 50, "TEL NO.").line(350, 50, "PAGE");
  sheet.line(50, 66, "083").line(200, 66, "SHB").line(350, 66, "03");
  EXPECT_EQ(sheet.pairs(), (Pairs{{"FILE TYPE", "083"}, {"PAGE", "03"}, {"TEL NO.", "SHB"}}));
}

TEST(KeyValuesTest, EachFigureOfARowIsAValueOfItsLabel) {
  Sheet sheet;
  sheet.line(50, 50, "Weekly").line(200, 50, "162").line(300, 50, "53%");
  sheet.line(50, 70, "Monthly").line(200, 70, "76").line(300, 70, "25%");
  sheet.line(50, 90, "Annual").line(200, 90, "57").line(300, 90, "19%");
  EXPECT_EQ(sheet.pairs(), (Pairs{{"Annual", "19%"},
                                  {"Annual", "57"},
                                  {"Monthly", "25%"},
                                  {"Monthly", "76"},
                                  {"Weekly", "162"},
                                  {"Weekly", "53%"}}));
}

TEST(KeyValuesTest, AValueMayStandLowerAndFurtherRight) {
  Sheet sheet;
  sheet.line(400, 50, "Date:").line(480, 46, "May 4, 2021");
  sheet.line(400, 72, "Offer No.:").line(480, 88, "7731-2");
  EXPECT_EQ(sheet.pairs(), (Pairs{{"Date:", "May 4, 2021"}, {"Offer No.:", "7731-2"}}));
}

TEST(KeyValuesTest, ANumberEndsBeforeTheNextLabel) {
  Sheet sheet;
  sheet.line(50, 50, "TEL: (555) 010-4711 FAX: (555) 010-4712").line(50, 90, "TOTAL = 100%");
  EXPECT_EQ(sheet.pairs(), (Pairs{{"FAX:", "(555) 010-4712"}, {"TEL:", "(555) 010-4711"}, {"TOTAL =", "100%"}}));
}

TEST(KeyValuesTest, SeveralLabelsMayShareABox) {
  Sheet sheet;
  sheet.rule(50, 46, 400).upright(50, 46, 120).upright(400, 46, 120).rule(50, 120, 400);
  sheet.line(54, 50, "STOREHOUSE", 9).line(120, 62, "Harbour Row");
  sheet.line(54, 82, "ORDERED FOR", 9).line(60, 96, "the front office");
  EXPECT_EQ(sheet.pairs(), (Pairs{{"ORDERED FOR", "the front office"}, {"STOREHOUSE", "Harbour Row"}}));
}

TEST(KeyValuesTest, ProseHasNoLabels) {
  Sheet sheet;
  sheet.line(50, 50, "The committee met on Monday to discuss the").line(450, 50, "new programme of work that the");
  sheet.line(50, 70, "budget of the coming year and the report of").line(450, 70, "members had proposed in the");
  sheet.line(50, 90, "the auditors, which had been delayed again.").line(450, 90, "spring of the year before.");
  EXPECT_TRUE(sheet.pairs().empty());
}

}  // namespace
}  // namespace lectern::reader
