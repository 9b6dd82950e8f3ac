#include "engine/invoke/snapshots.h"

#include <gtest/gtest.h>

#include <string>

#include "base/files.h"

namespace lectern::engine {
namespace {

/// Writes down what is to be made.
struct FakeHost final : InstanceHost {
  std::vector<SnapshotWish> wishes;
  void spawn(sandbox::SandboxSpec, Callback) override {}
  void makeSnapshot(const SnapshotWish& wish, sandbox::SandboxSpec, SnapshotCallback) override { wishes.push_back(wish); }
  std::string description() const override { return "fake"; }
};

struct FakeOwner final : InstanceOwner {
  void instanceReady(Instance&) override {}
  void instanceResponded(Instance&) override {}
  void instanceFinished(Instance&, Invocation&, const Completion&) override {}
  void instanceGone(Instance&) override {}
};

struct SnapshotsTest : ::testing::Test {
  TempDir dir = std::move(*TempDir::create("snapshots-test-"));
  net::Loop loop;
  FakeHost host;
  FakeOwner owner;
  LogStore logs{loop, dir.path()};
  const InstanceContext context{loop, host, logs, owner, {}, {}, {}};
  Snapshots snapshots{context};

  static VersionPtr used(int64_t uses, uint32_t id = 0) {
    auto version = std::make_shared<FunctionVersion>();
    version->name = "f" + std::to_string(uses);
    version->uses = uses;
    version->id = scheduling::VersionId{id};
    version->snap_start = true;
    return version;
  }
  /// The uses of those that are made, in their order.
  std::vector<int64_t> made() {
    loop.after(Millis(1), [this] { loop.stop(); });
    loop.run();
    std::vector<int64_t> out;
    for (const auto& wish : host.wishes) out.push_back(wish.uses);
    return out;
  }
};

TEST_F(SnapshotsTest, MostUsedAreMadeFirstAndUnusedOnesWait) {
  for (const int64_t uses : {1, 5, 0, 3, 5000}) snapshots.want(used(uses));
  EXPECT_TRUE(host.wishes.empty());
  EXPECT_EQ(made(), (std::vector<int64_t>{5000, 5, 3, 1}));
}

TEST_F(SnapshotsTest, ANewVersionGoesFirst) {
  snapshots.want(used(7));
  snapshots.want(used(-1));
  EXPECT_EQ(made(), (std::vector<int64_t>{0, 7}));
}

TEST_F(SnapshotsTest, OnlySomeAreMadeAgainAheadOfNeed) {
  for (int64_t uses = 1; uses <= 40; ++uses) snapshots.want(used(uses));
  const auto order = made();
  ASSERT_EQ(order.size(), 16u);
  EXPECT_EQ(order.front(), 40);
  EXPECT_EQ(order.back(), 25);
}

TEST_F(SnapshotsTest, WhatIsDroppedMeanwhileIsNotMade) {
  const auto gone = used(4, 1);
  snapshots.want(gone);
  snapshots.want(used(2, 2));
  snapshots.drop(*gone);
  EXPECT_EQ(made(), (std::vector<int64_t>{2}));
}

}  // namespace
}  // namespace lectern::engine
