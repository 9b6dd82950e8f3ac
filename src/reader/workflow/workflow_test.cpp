#include "reader/workflow/workflow.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "reader/question/question.h"
#include "reader/workflow/samples.h"

namespace lectern::reader {
namespace {

class WorkflowTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::create();
    ASSERT_TRUE(made);
    dir_.emplace(std::move(*made));
    auto store = Store::open(path());
    ASSERT_TRUE(store);
    store_ = std::move(*store);
    ASSERT_TRUE(store_->put(tillReceipt("a", "MANIS", "74.82", 2)));
    ASSERT_TRUE(store_->put(cafeBill("c")));
  }
  std::filesystem::path path() const { return dir_->path() / "d.db"; }
  /// What a document's field is after reading it with everything taught so far; "-" when it has none.
  std::string fieldOf(Document document, const std::string& name) {
    const auto workflows = Workflows::load(*store_);
    EXPECT_TRUE(workflows);
    EXPECT_TRUE(workflows->apply(document, clock_));
    EXPECT_TRUE(store_->put(document));
    return storedField(document.name, name);
  }
  std::string storedField(const std::string& document, const std::string& name) {
    const auto loaded = store_->load(document);
    EXPECT_TRUE(loaded);
    for (const auto& f : loaded->fields) {
      if (f.name == name) return f.value;
    }
    return "-";
  }

  std::optional<TempDir> dir_;
  std::unique_ptr<Store> store_;
  RealClock clock_;
};

TEST_F(WorkflowTest, ATaughtFieldIsReadFromThenOnInDocumentsOfTheTemplateOnly) {
  const auto taught = teach(*store_, {"a", "Cashier", "MANIS"});
  ASSERT_TRUE(taught) << taught.error().message;
  EXPECT_EQ(taught->layout, "a");
  EXPECT_TRUE(taught->fresh);
  EXPECT_EQ(taught->value, "MANIS");
  EXPECT_EQ(fieldOf(tillReceipt("b", "OLA", "9.10", 5), "cashier"), "OLA");
  EXPECT_EQ(fieldOf(cafeBill("c"), "cashier"), "-");
  EXPECT_EQ(store_->load("b")->layout, "a");
  EXPECT_EQ(store_->load("c")->layout, "");
  // The taught field answers questions by its name, with its place.
  auto asker = Asker::open(path(), clock_);
  const auto answer = (*asker)->ask("Who was the cashier?", "b");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->answer, "OLA");
  EXPECT_TRUE(answer->box);
}

TEST_F(WorkflowTest, WhatWasReadBeforeIsRenewedAndForgotten) {
  ASSERT_TRUE(store_->put(tillReceipt("b", "OLA", "9.10", 5)));
  ASSERT_TRUE(teach(*store_, {"a", "cashier", "", Box{290, 100, 600, 135}}));
  EXPECT_EQ(storedField("b", "cashier"), "-");
  EXPECT_EQ(*runWorkflows(*store_, "", clock_), 3u);
  EXPECT_EQ(*runWorkflows(*store_, "", clock_), 3u);
  EXPECT_EQ(storedField("b", "cashier"), "OLA");
  EXPECT_EQ(storedField("c", "cashier"), "-");
  ASSERT_TRUE(forget(*store_, "a", "cashier"));
  EXPECT_EQ(forget(*store_, "a", "cashier").error().code, Code::kNotFound);
  EXPECT_TRUE(runWorkflows(*store_, "b", clock_));
  EXPECT_EQ(storedField("b", "cashier"), "-");
  EXPECT_TRUE(forget(*store_, "a", ""));
  EXPECT_TRUE(listWorkflows(*store_)->empty());
}

TEST_F(WorkflowTest, ASecondExampleIsUsedWithTheFirst) {
  ASSERT_TRUE(store_->put(tillReceipt("b", "OLA", "9.10", 5)));
  ASSERT_TRUE(teach(*store_, {"a", "due", "74.82"}));
  ASSERT_TRUE(runWorkflows(*store_, "", clock_));
  const auto second = teach(*store_, {"b", "due", "9.10"});
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->examples, 2u);
  EXPECT_FALSE(second->fresh);
  EXPECT_EQ(fieldOf(tillReceipt("e", "EVA", "31.00", 9), "due"), "31.00");
}

TEST_F(WorkflowTest, QuestionsAndSelectsAreSavedAsFields) {
  ASSERT_TRUE(saveWorkflow(*store_, "a", "lines", "question", "How many lines are there?"));
  ASSERT_TRUE(saveWorkflow(*store_, "a", "largest", "sql",
                           "SELECT max(CAST(normalized AS REAL)) FROM v_typed WHERE document = ?1"));
  const Document b = tillReceipt("b", "OLA", "9.10", 3);
  EXPECT_EQ(fieldOf(b, "lines"), std::to_string(b.pages[0].lines.size()));
  EXPECT_EQ(storedField("b", "largest"), "9.1");
  ASSERT_TRUE(runWorkflows(*store_, "", clock_));
  EXPECT_EQ(storedField("a", "largest"), "74.82");
  EXPECT_EQ(storedField("c", "largest"), "-");
}

TEST_F(WorkflowTest, AWorkflowForEveryDocument) {
  ASSERT_TRUE(saveWorkflow(*store_, "a", "largest", "sql",
                           "SELECT max(CAST(normalized AS REAL)) FROM v_typed WHERE document = ?1", kEveryDocument));
  EXPECT_EQ(fieldOf(cafeBill("c"), "largest"), "5.5");
}

TEST_F(WorkflowTest, WhatCannotBeTaughtIsSaid) {
  EXPECT_EQ(teach(*store_, {"z", "cashier", "MANIS"}).error().code, Code::kNotFound);
  EXPECT_EQ(teach(*store_, {"a", "cashier", "NOBODY HERE"}).error().code, Code::kNotFound);
  EXPECT_EQ(teach(*store_, {"a", "cashier", "", Box{0, 0, 5, 5}}).error().code, Code::kNotFound);
  EXPECT_EQ(teach(*store_, {"a", "1;drop", "MANIS"}).error().code, Code::kInvalid);
  EXPECT_TRUE(listWorkflows(*store_)->empty());
}

}  // namespace
}  // namespace lectern::reader
