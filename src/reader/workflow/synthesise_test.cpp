#include "reader/workflow/synthesise.h"

#include <gtest/gtest.h>

#include "reader/workflow/samples.h"

namespace lectern::reader {
namespace {

std::string learnt(const Document& shown, const std::string& value, const Document& asked) {
  const auto programs = synthesise({{&shown, placesOfText(shown, value)}});
  const auto elected = vote(View(asked), programs);
  return elected ? elected->finding.text : "nothing";
}

TEST(SynthesiseTest, AValueShownOnceIsFoundInOthersOfItsKind) {
  const Document shown = tillReceipt("a", "MANIS", "74.82", 2);
  EXPECT_EQ(learnt(shown, "MANIS", tillReceipt("b", "OLA PETERS", "9.10", 5)), "OLA PETERS");
  EXPECT_EQ(learnt(shown, "74.82", tillReceipt("b", "OLA", "9.10", 5)), "9.10");
  EXPECT_EQ(learnt(shown, "74.82", tillReceipt("b", "OLA", "109.10", 1)), "109.10");
}

TEST(SynthesiseTest, NothingIsFoundWhereNothingStands) {
  EXPECT_EQ(learnt(tillReceipt("a", "MANIS", "74.82", 2), "MANIS", cafeBill("c")), "nothing");
}

TEST(SynthesiseTest, SeveralExamplesKeepWhatServesBoth) {
  const Document a = tillReceipt("a", "MANIS", "74.82", 2), b = tillReceipt("b", "OLA", "9.10", 6);
  const auto programs = synthesise({{&a, placesOfText(a, "74.82")}, {&b, placesOfText(b, "9.10")}});
  ASSERT_FALSE(programs.empty());
  for (const auto& [program, weight] : programs) {
    const auto in_a = runProgram(View(a), program), in_b = runProgram(View(b), program);
    ASSERT_TRUE(in_a && in_b) << programToText(program);
    EXPECT_EQ(in_a->text, "74.82");
    EXPECT_EQ(in_b->text, "9.10");
  }
}

TEST(SynthesiseTest, EveryProgramReadsBackFromItsText) {
  const Document a = tillReceipt("a", "INV-00418/27", "74.82", 2);
  for (const char* value : {"74.82", "INV-00418/27"}) {
    const auto programs = synthesise({{&a, placesOfText(a, value)}});
    ASSERT_FALSE(programs.empty());
    EXPECT_LE(programs.size(), 40u);
    for (const auto& [program, weight] : programs) {
      const std::string text = programToText(program);
      const auto back = programFromText(text);
      ASSERT_TRUE(back) << text;
      EXPECT_EQ(programToText(*back), text);
      const auto found = runProgram(View(a), *back);
      ASSERT_TRUE(found) << text;
      EXPECT_EQ(found->text, value) << text;
    }
  }
  for (const char* bad : {"", "all", "find x | all", "row 0 | fly | all", "row 0 | right", "row 99999 | all",
                          "row 0 | row | row | row | row | row | row | all"}) {
    EXPECT_EQ(programFromText(bad).error().code, Code::kInvalid) << bad;
  }
}

TEST(SynthesiseTest, PlacesAreFoundByTextAndByBox) {
  const Document a = tillReceipt("a", "Ola Peters", "74.82", 2);
  EXPECT_EQ(placesOfText(a, "ola  peters.").size(), 1u);
  EXPECT_EQ(placesOfText(a, "Ola Petcrs").size(), 1u);  // one letter misread
  EXPECT_TRUE(placesOfText(a, "Nobody").empty());
  EXPECT_TRUE(placesOfText(a, "").empty());
  EXPECT_EQ(placeOfBox(a, 1, {290, 100, 600, 135}).words.size(), 2u);
  EXPECT_TRUE(placeOfBox(a, 2, {0, 0, 600, 800}).words.empty());
}

}  // namespace
}  // namespace lectern::reader
