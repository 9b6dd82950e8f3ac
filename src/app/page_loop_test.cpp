#include "app/page_loop.h"

#include <gtest/gtest.h>

#include <latch>
#include <mutex>

namespace lectern::app {
namespace {

/// A document of `count` pages that notes how it is used.
class FakePages {
 public:
  explicit FakePages(int count) : count_(count) {}

  PageSource source() {
    return {[this](int first, int last) -> Result<Rendered> {
              Rendered out{count_, {}};
              for (int n = first; n <= std::min(last, count_); ++n) out.rendered.push_back({.number = n});
              ready_ += static_cast<int>(out.rendered.size());
              most_ready_ = std::max(most_ready_, ready_);
              return out;
            },
            [this](const RenderedPage& page, reader::Document& part) -> Result<void> {
              {
                const std::lock_guard lock(mutex_);
                most_reading_ = std::max(most_reading_, ++reading_);
                read_.push_back(page.number);
              }
              if (meeting_ != nullptr) meeting_->arrive_and_wait();
              {
                const std::lock_guard lock(mutex_);
                --reading_;
              }
              if (page.number == bad_) return fail(Code::kCorrupt, "page " + std::to_string(page.number));
              reader::Page out;
              out.number = page.number;
              part.pages.push_back(out);
              part.timings.push_back({"read", 1});
              return {};
            },
            [this](const Rendered& rendered) { ready_ -= static_cast<int>(rendered.rendered.size()); }};
  }

  int count_, bad_ = 0;
  std::latch* meeting_ = nullptr;  // pages wait here for each other
  std::mutex mutex_;
  int ready_ = 0, most_ready_ = 0, reading_ = 0, most_reading_ = 0;
  std::vector<int> read_;
};

std::vector<int> numbers(const reader::Document& document) {
  std::vector<int> out;
  for (const auto& page : document.pages) out.push_back(page.number);
  return out;
}

TEST(PageLoopTest, PagesComeOutInOrderAndNoMoreAreReadAtOnceThanThereAreSlots) {
  FakePages fake(60);
  Slots slots(3);
  const std::atomic<bool> stop{false};
  std::atomic<int> told{0};
  reader::Document document;
  ASSERT_TRUE(readInOrder(fake.source(), {}, document, {stop, slots, [&](int, int pages) {
                                                          EXPECT_EQ(pages, 60);
                                                          ++told;
                                                        }}));
  std::vector<int> all(60);
  for (int i = 0; i < 60; ++i) all[size_t(i)] = i + 1;
  EXPECT_EQ(numbers(document), all);
  EXPECT_EQ(document.timings.size(), 60u);
  EXPECT_EQ(told, 60);
  EXPECT_LE(fake.most_reading_, 3);
  EXPECT_LE(fake.most_ready_, 8);
  EXPECT_EQ(fake.ready_, 0);
}

TEST(PageLoopTest, PagesOfOneDocumentAreReadAtTheSameTime) {
  FakePages fake(3);
  std::latch meeting(3);
  fake.meeting_ = &meeting;
  Slots slots(3);
  const std::atomic<bool> stop{false};
  reader::Document document;
  ASSERT_TRUE(readInOrder(fake.source(), {}, document, {stop, slots}));
  EXPECT_EQ(fake.most_reading_, 3);
}

TEST(PageLoopTest, OnlyWantedPagesAreRead) {
  FakePages fake(40);
  Slots slots(2);
  const std::atomic<bool> stop{false};
  reader::Document document;
  ASSERT_TRUE(readInOrder(fake.source(), {{2, 3}, {30, 30}}, document, {stop, slots}));
  EXPECT_EQ(numbers(document), (std::vector<int>{2, 3, 30}));
  EXPECT_EQ(fake.read_.size(), 3u);
}

TEST(PageLoopTest, ABadPageEndsTheDocumentAndAStopDoesToo) {
  FakePages fake(20);
  fake.bad_ = 11;
  Slots slots(2);
  std::atomic<bool> stop{false};
  reader::Document document;
  auto read = readInOrder(fake.source(), {}, document, {stop, slots});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "page 11");
  EXPECT_LE(fake.read_.size(), 16u);
  EXPECT_EQ(fake.ready_, 0);

  FakePages whole(20);
  reader::Document stopped;
  read = readInOrder(whole.source(), {}, stopped, {stop, slots, [&](int, int) { stop = true; }});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kCancelled);
  EXPECT_LE(whole.read_.size(), 2u);
  EXPECT_EQ(stopped.pages.size(), whole.read_.size());
}

TEST(PageLoopTest, WhatWasReadBeforeAStopOrAFaultIsNotReadAgain) {
  Slots slots(1);
  std::atomic<bool> stop{false};
  FakePages first(20);
  reader::Document document;
  ASSERT_FALSE(readInOrder(first.source(), {}, document, {stop, slots, [&](int read, int) { stop = read == 11; }}));
  EXPECT_EQ(document.pages.size(), 11u);

  stop = false;
  FakePages bad(20);
  bad.bad_ = 14;
  ASSERT_FALSE(readInOrder(bad.source(), {}, document, {stop, slots}));
  EXPECT_EQ(bad.read_, (std::vector<int>{12, 13, 14}));

  FakePages rest(20);
  ASSERT_TRUE(readInOrder(rest.source(), {}, document, {stop, slots}));
  EXPECT_EQ(rest.read_, (std::vector<int>{14, 15, 16, 17, 18, 19, 20}));
  std::vector<int> all(20);
  for (int i = 0; i < 20; ++i) all[size_t(i)] = i + 1;
  EXPECT_EQ(numbers(document), all);
}

}  // namespace
}  // namespace lectern::app
