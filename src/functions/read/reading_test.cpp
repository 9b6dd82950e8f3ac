#include "functions/read/reading.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "reader/layout/layout.h"
#include "reader/store/store.h"
#include "sdk/lectern.h"

namespace lectern::functions {
namespace {

namespace fs = std::filesystem;

/// Sets up a folder with page pictures, and an engine that "reads" one line of every page and counts its pages.
class ReadingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::create();
    ASSERT_TRUE(made);
    dir_.emplace(std::move(*made));
    places_ = {dir_->path() / "out", dir_->path() / "documents.db"};
    engine_.page = [this](const reader::Image& image, int number, std::optional<std::vector<reader::Word>> words,
                          std::vector<reader::StageTiming>&) -> Result<reader::Page> {
      ++pages_;
      if (broken_) return fail(Code::kUnavailable, "no memory left");
      reader::Page page;
      page.number = number;
      page.width = image.width;
      page.height = image.height;
      reader::LineInput line;
      line.region.box = {1, 1, 30, 9};
      line.words.resize(1);
      line.words[0].text = words ? words->at(0).text : "Hello";
      line.words[0].box = line.region.box;
      reader::layOut(page, {line});
      return page;
    };
  }
  fs::path picture(const std::string& name, char ink) {
    const fs::path path = dir_->path() / name;
    EXPECT_TRUE(writeFileAtomic(path, "P5\n40 10\n255\n" + std::string(400, ink)));
    return path;
  }
  std::string record(const fs::path& path) {
    return "{\"s3\":{\"object\":{\"key\":\"x\"}},\"lectern\":{\"path\":\"" + path.string() + "\"}}";
  }
  json::array read(const std::string& event) {
    return parseJson(readFiles(event, places_, engine_))->at("documents").as_array();
  }
  std::vector<std::string> names() { return *(*reader::Store::open(places_.database))->names(); }

  std::optional<TempDir> dir_;
  Places places_;
  Engine engine_;
  int pages_ = 0;
  bool broken_ = false;
};

TEST_F(ReadingTest, AnUploadFillsTheDatabaseOnceHoweverOftenItsEventComes) {
  const std::string event = "{\"Records\":[" + record(picture("a.pgm", 'x')) + "]}";
  EXPECT_EQ(read(event)[0].at("status"), "read");
  EXPECT_EQ(read(event)[0].at("status"), "known");
  EXPECT_EQ(pages_, 1);
  EXPECT_EQ(names(), std::vector<std::string>{"a.pgm"});
  EXPECT_TRUE(fs::exists(places_.output / "a.pgm.json"));
  picture("a.pgm", 'y');  // a new version of the file replaces the document
  EXPECT_EQ(read(event)[0].at("status"), "read");
  EXPECT_EQ(pages_, 2);
  EXPECT_EQ(names().size(), 1u);
}

TEST_F(ReadingTest, AFailureLeavesNoEntrySoThatARetryReadsIt) {
  const std::string event = "{\"Records\":[" + record(picture("a.pgm", 'x')) + "," + record("/nowhere/b.pgm") + "]}";
  broken_ = true;
  EXPECT_THROW(read(event), FunctionError);
  EXPECT_TRUE(names().empty());
  broken_ = false;
  EXPECT_THROW(read(event), FunctionError);  // the second file is still missing, the first is in
  EXPECT_EQ(names(), std::vector<std::string>{"a.pgm"});
}

TEST_F(ReadingTest, PagesOfAPdfComeWithTheirWords) {
  const auto page = picture("page-1.pgm", 'x');
  const fs::path words = dir_->path() / "words.json";
  ASSERT_TRUE(writeFileAtomic(words, "[{\"text\":\"Bonjour\",\"box\":[1,1,30,9]}]"));
  places_ = {};
  const auto documents = read("{\"file\":\"" + page.string() + "\",\"name\":\"letter\",\"rendered\":[{\"page\":3,\"image\":\"" +
                              page.string() + "\",\"text\":\"" + words.string() + "\"}]}");
  const auto& document = documents[0].at("document").as_object();
  EXPECT_EQ(document.at("pages").at(0).at("page"), 3);
  EXPECT_EQ(document.at("pages").at(0).at("words").at(0).at("text"), "Bonjour");
}

TEST_F(ReadingTest, WrongEventsAreNamed) {
  for (const char* event : {"", "[]", "{}", "{\"Records\":[{}]}", "{\"file\":\"/a.png\",\"name\":\"../b\"}"}) {
    try {
      readFiles(event, places_, engine_);
      FAIL() << event;
    } catch (const FunctionError& e) {
      EXPECT_EQ(e.type(), "Request.Invalid") << event;
    }
  }
}

TEST_F(ReadingTest, APlaceThatCannotBeWrittenIsToldBeforeAnythingIsRead) {
  const fs::path file = picture("a.pgm", 'x');
  const auto failure = [&](const fs::path& output, const fs::path& database) {
    try {
      readFiles("{\"file\":\"" + file.string() + "\"}", {output, database}, engine_);
    } catch (const FunctionError& e) {
      return e.type() + ": " + e.what();
    }
    return std::string("none");
  };
  const std::string why = file.string() + "/x: Not a directory; results need a folder that the function can write";
  EXPECT_EQ(failure(file / "x", {}), "Output.Failed: a.pgm: " + why);
  EXPECT_EQ(failure({}, file / "x" / "documents.db"), "Database.Failed: a.pgm: " + why);
  EXPECT_EQ(pages_, 0);
}

TEST_F(ReadingTest, WhatTheEventCarries) {
  const std::string bytes = base64Encode("P5\n40 10\n255\n" + std::string(400, 'x'));
  places_ = {};
  auto read_documents = read("{\"name\":\"a.pgm\",\"file_base64\":\"" + bytes + "\"}");
  EXPECT_EQ(read_documents.at(0).at("name").as_string(), "a.pgm");
  EXPECT_EQ(read_documents.at(0).at("words").to_number<int>(), 1);
  read_documents = read("{\"name\":\"a.pdf\",\"file_base64\":\"" + bytes + "\",\"rendered\":[{\"page\":3,\"image_base64\":\"" +
                        bytes + "\",\"words\":[{\"text\":\"Given\",\"box\":[1,1,30,9]}]}]}");
  const auto& page = read_documents.at(0).at("document").at("pages").at(0);
  EXPECT_EQ(page.at("page").to_number<int>(), 3);
  EXPECT_EQ(page.at("words").at(0).at("text").as_string(), "Given");
  // A document of the name of one of its pages is still the file that was carried.
  const std::string other = base64Encode("P5\n40 10\n255\n" + std::string(400, 'y'));
  read_documents = read("{\"name\":\"page-0\",\"file_base64\":\"" + bytes +
                        "\",\"rendered\":[{\"image_base64\":\"" + other + "\"}]}");
  EXPECT_EQ(read_documents.at(0).at("sha256").as_string(), sha256Hex("P5\n40 10\n255\n" + std::string(400, 'x')));
}

}  // namespace
}  // namespace lectern::functions
