#include "reader/store/store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/files.h"
#include "reader/store/database.h"

namespace lectern::reader {
namespace {

Document sample(const std::string& name, const std::string& text) {
  Document d;
  d.name = name;
  d.sha256 = text;
  Page page;
  page.width = 100;
  page.height = 50;
  Word word;
  word.text = text;
  word.box = {1, 2, 30, 12};
  word.line = 0;
  page.words = {word};
  Line line;
  line.text = text;
  line.box = word.box;
  line.words = {0};
  line.block = 0;
  page.lines = {line};
  Block block;
  block.text = text;
  block.box = word.box;
  block.lines = {0};
  page.blocks = {block};
  Table table;
  table.box = {0, 20, 90, 40};
  table.rows = table.cols = 1;
  table.cells = {{0, 0, 1, 1, "cell", {0, 20, 90, 40}, {}}};
  page.tables = {table};
  page.values = {{"", text, "word", "", text, "", "", Checksum::kNone, 0.5f, {0}}};
  page.key_values = {{"Key", text, {0}, {0}, 0.25f}};
  d.pages = {page};
  d.fields = {{"total", "7.00", text, 1, {0}, 0.75f}};
  assignIds(d);
  d.pages[0].relations = {{"w1", "t1", "above", 8}};
  return d;
}

int64_t count(const std::filesystem::path& path, const std::string& sql) {
  auto database = Database::open(path, Database::Mode::kReadOnly);
  auto statement = database->prepare(sql);
  EXPECT_TRUE(statement) << statement.error().message;
  EXPECT_TRUE(*statement->step());
  return statement->integer(0);
}

TEST(StoreTest, PutReplacesByNameAndLeavesNothingOver) {
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  const auto path = dir->path() / "d.db";
  {
    auto store = Store::open(path);
    ASSERT_TRUE(store) << store.error().message;
    for (const char* text : {"first", "second"}) {
      auto put = (*store)->put(sample("a.png", text));
      ASSERT_TRUE(put) << put.error().message;
    }
    ASSERT_TRUE((*store)->put(sample("b.png", "other")));
    EXPECT_EQ(*(*store)->names(), (std::vector<std::string>{"a.png", "b.png"}));
    EXPECT_TRUE(*(*store)->has("a.png", "second"));
    EXPECT_FALSE(*(*store)->has("a.png", "first"));
  }
  EXPECT_EQ(count(path, "SELECT count(*) FROM word"), 2);
  EXPECT_EQ(count(path, "SELECT count(*) FROM relation"), 2);
  EXPECT_EQ(count(path, "SELECT count(*) FROM place"), count(path, "SELECT count(*) FROM entity WHERE x1>x0"));
  EXPECT_EQ(count(path, "SELECT count(*) FROM text_search WHERE text MATCH 'second'"), 1);
  EXPECT_EQ(count(path, "SELECT count(*) FROM text_search WHERE text MATCH 'first'"), 0);
  EXPECT_EQ(count(path, "SELECT count(*) FROM v_words WHERE document='a.png' AND text='second'"), 1);
  EXPECT_EQ(count(path, "SELECT count(*) FROM v_fields WHERE field='total'"), 2);
}

TEST(StoreTest, WhatWasPutIsLoaded) {
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  auto store = Store::open(dir->path() / "d.db");
  ASSERT_TRUE(store);
  const Document d = sample("a", "seven");
  ASSERT_TRUE((*store)->put(d));
  auto back = (*store)->load("a");
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->pages.size(), 1u);
  const Page& page = back->pages[0];
  EXPECT_EQ(page.words.at(0).text, "seven");
  EXPECT_EQ(page.words[0].box, d.pages[0].words[0].box);
  EXPECT_EQ(page.lines.at(0).words, std::vector<int>{0});
  EXPECT_EQ(page.blocks.at(0).lines, std::vector<int>{0});
  EXPECT_EQ(page.tables.at(0).cells.at(0).text, "cell");
  EXPECT_EQ(page.values.at(0).words, std::vector<int>{0});
  EXPECT_EQ(back->fields.at(0).value, "7.00");
  EXPECT_EQ(back->fields[0].words, std::vector<int>{0});
  EXPECT_EQ((*store)->load("b").error().code, Code::kNotFound);
}

TEST(StoreTest, ADatabaseOfTheFirstVersionIsBroughtUpToDateWithWhatIsInIt) {
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  const auto path = dir->path() / "d.db";
  ASSERT_TRUE((*Store::open(path))->put(sample("a", "seven")));
  {
    auto database = Database::open(path, Database::Mode::kReadWrite);
    ASSERT_TRUE(database->execute("DROP VIEW v_templates; DROP TABLE extraction; DROP TABLE example; DROP TABLE workflow;"
                                  "DROP INDEX field_entity; DROP INDEX field_document;"
                                  "ALTER TABLE document DROP COLUMN template_id;"
                                  "ALTER TABLE document DROP COLUMN template_score; DROP TABLE template;"
                                  "PRAGMA user_version=1"));
  }
  auto store = Store::open(path);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(*(*store)->names(), std::vector<std::string>{"a"});
  ASSERT_TRUE((*store)->put(sample("b", "eight")));
  EXPECT_EQ(count(path, "SELECT count(*) FROM document WHERE template_id IS NULL"), 2);
  EXPECT_EQ(count(path, "PRAGMA user_version"), 2);
}

TEST(StoreTest, AnotherOneThatWritesANewDatabaseIsWaitedFor) {
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  for (int round = 0; round < 5; ++round) {
    const auto path = dir->path() / (std::to_string(round) + ".db");
    auto other = Database::open(path, Database::Mode::kReadWrite);
    ASSERT_TRUE(other);
    std::atomic<bool> begun = false;
    const std::jthread writer([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        if (auto transaction = Transaction::begin(*other)) begun = true;  // and rolls back
      }
    });
    while (!begun) std::this_thread::yield();
    const auto store = Store::open(path);
    EXPECT_TRUE(store) << store.error().message;
  }
}

TEST(StoreTest, ForeignFilesAreRefused) {
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  ASSERT_TRUE(writeFileAtomic(dir->path() / "x.db", "this is no database, only text that is long enough to look at"));
  EXPECT_EQ(Store::open(dir->path() / "x.db").error().code, Code::kCorrupt);
  {
    auto other = Database::open(dir->path() / "o.db", Database::Mode::kReadWrite);
    ASSERT_TRUE(other->execute("CREATE TABLE t(x)"));
  }
  EXPECT_EQ(Store::open(dir->path() / "o.db").error().code, Code::kCorrupt);
}

}  // namespace
}  // namespace lectern::reader
