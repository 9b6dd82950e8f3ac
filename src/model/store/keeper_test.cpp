#include "model/store/keeper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "base/hash.h"
#include "model/store/keeper_protocol.h"
#include "model/store/random_model.h"
#include "model/store/stored_model.h"
#include "model/store/weight_files.h"

namespace lectern::model {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// What the kernel says about the mapping that begins at an address.
struct Mapping {
  std::string device_inode;
  int64_t pss_kb = 0, rss_kb = 0, huge_kb = 0;
};

Mapping mappingAt(const void* address) {
  std::ifstream in("/proc/self/smaps");
  Mapping out;
  bool here = false;
  for (std::string line; std::getline(in, line);) {
    uintptr_t from = 0, to = 0;
    if (sscanf(line.c_str(), "%lx-%lx ", &from, &to) == 2) {
      here = from == reinterpret_cast<uintptr_t>(address);
      std::istringstream words(line);
      std::string range, rights, offset, device, inode;
      words >> range >> rights >> offset >> device >> inode;
      if (here) out.device_inode = device + ":" + inode;
    }
    if (!here) continue;
    int64_t kb = 0;
    if (sscanf(line.c_str(), "Pss: %ld kB", &kb) == 1) out.pss_kb = kb;
    if (sscanf(line.c_str(), "Rss: %ld kB", &kb) == 1) out.rss_kb = kb;
    if (sscanf(line.c_str(), "ShmemPmdMapped: %ld kB", &kb) == 1) out.huge_kb += kb;
  }
  return out;
}

int64_t touch(const StoredModel& model) {
  int64_t sum = 0;
  for (const auto& region : model.regions) {
    const volatile std::byte* bytes = region.data();  // read even when nobody looks at the sum
    for (int64_t i = 0; i < region.size(); i += 4096) sum += static_cast<int64_t>(bytes[i]);
  }
  return sum;
}

struct KeeperTest : ::testing::Test {
  TempDir dir = std::move(*TempDir::create());
  fs::path store = dir.path() / "store", folder = dir.path() / "keeper";

  void SetUp() override { setenv(keeper::kVariable, keeper::socketPath(folder).c_str(), 1); }
  void TearDown() override { unsetenv(keeper::kVariable); }
  void add(const std::string& name, int64_t megabytes) {
    const auto file = dir.path() / (name + ".onnx");
    ASSERT_TRUE(writeRandomModel(file, megabytes));
    auto added = addModel(store, name, file, "generated");
    ASSERT_TRUE(added) << added.error().message;
  }
  std::unique_ptr<Keeper> start(Bytes budget) {
    auto keeper = Keeper::start({folder, budget});
    EXPECT_TRUE(keeper) << keeper.error().message;
    return std::move(*keeper);
  }
};

// Not a test by itself: what the other process of SharedWithAnotherProcess does.
TEST(KeeperChild, DISABLED_OpensTheModel) {
  auto opened = openStored(getenv("LECTERN_TEST_STORE"), "m");
  ASSERT_TRUE(opened) << opened.error().message;
  touch(**opened);
  const auto mapping = mappingAt((*opened)->regions[1].data());
  printf("MAPPED %s %d\n", mapping.device_inode.c_str(), (*opened)->regions[1].shared() ? 1 : 0);
  fflush(stdout);
  char byte = 0;
  [[maybe_unused]] const ssize_t n = read(0, &byte, 1);  // until the parent has looked
}

TEST_F(KeeperTest, SharedWithAnotherProcess) {
  add("m", 34);
  const auto keeper = start(mebibytes(100));
  auto mine = openStored(store, "m");
  ASSERT_TRUE(mine) << mine.error().message;
  ASSERT_TRUE((*mine)->regions[1].shared());
  touch(**mine);
  const Mapping alone = mappingAt((*mine)->regions[1].data());
  ASSERT_EQ(alone.rss_kb, 32'768);
  EXPECT_NEAR(static_cast<double>(alone.pss_kb), static_cast<double>(alone.rss_kb), 64);
  if (keeper->status().huge_pages) {
    EXPECT_GE(alone.huge_kb, 32'768) << "weights are not in 2 MB pages";
  }

  int to_child[2], from_child[2];
  ASSERT_EQ(pipe2(to_child, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(from_child, O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to_child[0], 0);
  posix_spawn_file_actions_adddup2(&actions, from_child[1], 1);
  const std::string store_text = "LECTERN_TEST_STORE=" + store.string();
  const char* arguments[] = {"keeper", "--gtest_filter=KeeperChild.*", "--gtest_also_run_disabled_tests", nullptr};
  const std::string keeper_text = std::string(keeper::kVariable) + "=" + getenv(keeper::kVariable);
  const char* environment[] = {store_text.c_str(), keeper_text.c_str(), nullptr};
  pid_t pid = 0;
  ASSERT_EQ(posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, const_cast<char**>(arguments),
                        const_cast<char**>(environment)), 0);
  posix_spawn_file_actions_destroy(&actions);
  close(from_child[1]), close(to_child[0]);
  std::string said;
  char buffer[4096];
  while (said.find("MAPPED") == std::string::npos || said.back() != '\n') {
    const ssize_t n = read(from_child[0], buffer, sizeof buffer);
    if (n <= 0) break;
    said.append(buffer, static_cast<size_t>(n));
  }
  const Mapping both = mappingAt((*mine)->regions[1].data());
  EXPECT_THAT(said, HasSubstr("MAPPED " + alone.device_inode + " 1")) << "not the same file in memory";
  // Each of two users is charged half of every page: one physical copy.
  EXPECT_NEAR(static_cast<double>(both.pss_kb), static_cast<double>(alone.pss_kb) / 2, 64);
  EXPECT_EQ(keeper->status().files.back().leases, 2);
  EXPECT_EQ(keeper->status().used, 32 << 20);  // the graph is too small to share
  close(to_child[1]);
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
  close(from_child[0]);
}

TEST_F(KeeperTest, TheSameBytesInTwoFilesAreOneCopy) {
  add("a", 17);
  ASSERT_TRUE(addModel(store, "b", dir.path() / "a.onnx", "the same"));
  const auto keeper = start(mebibytes(20));
  auto a = openStored(store, "a"), b = openStored(store, "b");
  ASSERT_TRUE(a && b) << b.error().message;
  EXPECT_EQ(mappingAt((*a)->regions[1].data()).device_inode, mappingAt((*b)->regions[1].data()).device_inode);
  EXPECT_EQ(keeper->status().read, 1) << "the second was brought in as well, though there was no room for both";
  ASSERT_EQ(keeper->status().files.size(), 1u);
  EXPECT_EQ(keeper->status().files[0].leases, 2);
  EXPECT_EQ(keeper->status().used, 16 << 20);
}

TEST_F(KeeperTest, AFileIsReadOnceUnlessItChanges) {
  add("m", 17);
  auto keeper = *Keeper::start({folder, mebibytes(64), Nanos(0)});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(WeightRegion::open(store / "m/m.bin"));
  EXPECT_EQ(keeper->status().read, 1);
  const auto before = fs::last_write_time(store / "m/m.bin");
  std::fstream file(store / "m/m.bin", std::ios::in | std::ios::out | std::ios::binary);
  file.write("changed!", 8);
  file.close();
  fs::last_write_time(store / "m/m.bin", before);  // as an attacker would
  auto changed = WeightRegion::open(store / "m/m.bin");
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->bytes().substr(0, 8), "changed!");
  EXPECT_EQ(keeper->status().read, 2);
  // Fresh changes are not trusted at all.
  keeper.reset();
  keeper = *Keeper::start({folder, mebibytes(64), Seconds(3600)});
  ASSERT_TRUE(WeightRegion::open(store / "m/m.bin"));
  std::fstream again(store / "m/m.bin", std::ios::in | std::ios::out | std::ios::binary);
  again.write("CHANGED!", 8);
  again.close();
  auto fresh = WeightRegion::open(store / "m/m.bin");
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->bytes().substr(0, 8), "CHANGED!");
  EXPECT_EQ(keeper->status().read, 2);
}

TEST_F(KeeperTest, LeastRecentlyUsedLeaveAndThoseInUseStay) {
  for (const int64_t mb : {17, 34, 51}) add(fmt::format("m{}", mb), mb);  // 16, 32 and 48 MiB
  const auto keeper = start(mebibytes(50));
  ASSERT_TRUE(openStored(store, "m17"));
  auto held = openStored(store, "m34");
  ASSERT_TRUE(held) << held.error().message;
  EXPECT_EQ(keeper->status().used, int64_t{48} << 20);
  // No room: the function gets a copy of its own and works.
  auto own = openStored(store, "m51");
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_FALSE((*own)->regions[1].shared());
  EXPECT_TRUE((*held)->regions[1].shared());
  EXPECT_NE(touch(**held), 0);
  EXPECT_EQ(keeper->status().used, int64_t{48} << 20) << "something left for what did not fit all the same";
  held->reset();
  auto fits = openStored(store, "m51");
  ASSERT_TRUE(fits) << fits.error().message;
  EXPECT_TRUE((*fits)->regions[1].shared());
  EXPECT_EQ(keeper->status().used, int64_t{48} << 20);
  ASSERT_EQ(keeper->status().files.size(), 1u);
  EXPECT_EQ(keeper->status().files[0].leases, 1);
}

TEST_F(KeeperTest, AFileOfTheLargestSizeIsRefusedAndNothingLeavesForIt) {
  add("m", 17);
  const auto keeper = start(mebibytes(20));
  ASSERT_TRUE(openStored(store, "m"));
  const Fd endless(memfd_create("endless", MFD_CLOEXEC));
  for (const int64_t size : {INT64_MAX, int64_t{1} << 62, int64_t{21} << 20}) {
    ASSERT_EQ(ftruncate(endless.get(), size), 0) << size;
    auto socket = keeper::connectTo(keeper::socketPath(folder));
    ASSERT_TRUE(socket);
    ASSERT_TRUE(keeper::send(socket->get(), "share", {endless.get()}));
    auto answer = keeper::receive(socket->get());
    ASSERT_TRUE(answer);
    EXPECT_THAT(answer->text, HasSubstr("has no room for")) << size;
    EXPECT_EQ(keeper->status().files.size(), 1u) << size;
  }
}

TEST_F(KeeperTest, DamagedFilesAreErrorsAndTheKeeperLivesOn) {
  add("m", 17);
  add("good", 34);
  auto bytes = *readFile(store / "m/m.bin");
  bytes[5'000'000] ^= 4;
  ASSERT_TRUE(writeFileAtomic(store / "m/m.bin", bytes));
  const auto keeper = start(mebibytes(100));
  auto damaged = openStored(store, "m");
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Code::kCorrupt);
  EXPECT_THAT(damaged.error().message, HasSubstr("checksum"));
  fs::resize_file(store / "m/m.bin", 77);
  EXPECT_EQ(openStored(store, "m").error().code, Code::kCorrupt);
  fs::remove(store / "m/m.bin");
  EXPECT_EQ(openStored(store, "m").error().code, Code::kNotFound);
  EXPECT_TRUE(openStored(store, "good"));
}

TEST_F(KeeperTest, AChangeOnDiskDoesNotReachThoseWhoHaveTheModel) {
  add("m", 17);
  const std::string before = *readFile(store / "m/m.bin");
  const auto keeper = start(mebibytes(100));
  auto opened = openStored(store, "m");
  ASSERT_TRUE(opened);
  std::fstream file(store / "m/m.bin", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(1'000'000);
  file.write("changed!", 8);
  file.close();
  EXPECT_EQ((*opened)->regions[1].bytes(), before);
  fs::resize_file(store / "m/m.bin", 1'000'000);
  EXPECT_EQ((*opened)->regions[1].bytes(), before);
  EXPECT_EQ(openStored(store, "m").error().code, Code::kCorrupt);
}

TEST_F(KeeperTest, OneKeeperAFolderAndOwnCopiesWithout) {
  add("m", 17);
  auto keeper = start(mebibytes(64));
  EXPECT_EQ(Keeper::start({folder, mebibytes(64)}).error().code, Code::kExists);
  auto kept = openStored(store, "m");
  keeper.reset();
  EXPECT_FALSE(fs::exists(keeper::socketPath(folder)));
  EXPECT_NE(touch(**kept), 0);  // what is mapped stays
  EXPECT_FALSE((*openStored(store, "m"))->regions[1].shared());
  EXPECT_TRUE(Keeper::start({folder, mebibytes(64)}));
}

TEST_F(KeeperTest, NonsenseEndsTheConnectionAlone) {
  add("m", 17);
  const auto keeper = start(mebibytes(64));
  const auto ask = [&](const std::string& text, const std::vector<int>& descriptors) {
    auto socket = keeper::connectTo(keeper::socketPath(folder));
    EXPECT_TRUE(socket);
    EXPECT_TRUE(keeper::send(socket->get(), text, descriptors));
    auto answer = keeper::receive(socket->get());
    return answer ? answer->text : "";
  };
  const Fd good(open((store / "m/m.bin").c_str(), O_RDONLY | O_CLOEXEC));
  for (const auto& text : {std::string("x"), std::string("share"), std::string("share "), std::string(4000, 'y')}) {
    EXPECT_EQ(ask(text, {}), "") << text;
  }
  EXPECT_EQ(ask("share", {good.get(), good.get()}), "");
  const auto opened = [](const char* path, int flags) { return Fd(open(path, flags | O_CLOEXEC)); };
  const std::string model = (store / "m/m.bin").string();
  // What is no file with bytes, or not open for reading.
  for (const auto& [path, flags] : std::vector<std::pair<const char*, int>>{{"/", O_RDONLY | O_DIRECTORY},
                                                                            {"/dev/zero", O_RDONLY},
                                                                            {"/proc/self/maps", O_RDONLY},
                                                                            {"/proc/self/mem", O_RDONLY},
                                                                            {model.c_str(), O_PATH},
                                                                            {model.c_str(), O_WRONLY}}) {
    const Fd file = opened(path, flags);
    ASSERT_TRUE(file.valid()) << path;
    EXPECT_THAT(ask("share", {file.get()}), ::testing::StartsWith("error ")) << path << " " << flags;
  }
  EXPECT_EQ(keeper->status().files.size(), 0u);
  auto held = openStored(store, "m");
  EXPECT_TRUE((*held)->regions[1].shared());
  // Nor does it give what it has to somebody who may not read the file.
  for (const int flags : {O_PATH, O_WRONLY}) {
    EXPECT_THAT(ask("share", {opened(model.c_str(), flags).get()}), ::testing::StartsWith("error ")) << flags;
  }
}

TEST_F(KeeperTest, NobodyCanWriteToSharedWeights) {
  add("m", 17);
  const auto keeper = start(mebibytes(64));
  auto socket = keeper::connectTo(keeper::socketPath(folder));
  ASSERT_TRUE(socket);
  const Fd file(open((store / "m/m.bin").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(keeper::send(socket->get(), "share", {file.get()}));
  auto answer = keeper::receive(socket->get());
  ASSERT_TRUE(answer && answer->descriptors.size() == 1);
  const int memory = answer->descriptors[0].get();
  EXPECT_EQ(pwrite(memory, "x", 1, 0), -1);
  EXPECT_EQ(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0), MAP_FAILED);
  EXPECT_EQ(ftruncate(memory, 0), -1);
}

TEST(WeightFiles, OldKernelsTakeTheirPagesAnotherWay) {
  auto dir = *TempDir::create();
  ASSERT_TRUE(writeFileAtomic(dir.path() / "w", std::string(70 << 20, 'w') + "end"));
  const Fd file(open((dir.path() / "w").c_str(), O_RDONLY | O_CLOEXEC));
  for (const bool populate : {true, false}) {
    auto files = WeightFiles::create(mebibytes(128), populate);
    auto loaded = files.load(file.get(), (70 << 20) + 3);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->sha256, *sha256HexOfFile(dir.path() / "w"));
    auto region = WeightRegion::map(loaded->file.get());
    ASSERT_TRUE(region);
    EXPECT_TRUE(region->bytes().ends_with("wwend"));
    if (!files.hugePages()) continue;
    // More than there is room for is an error, not a signal.
    auto small = WeightFiles::create(Bytes{0}, populate);  // 128 MB of its own; filled by two
    auto first = small.load(file.get(), 70 << 20), second = small.load(file.get(), 70 << 20);
    EXPECT_TRUE(first);
    ASSERT_FALSE(second);
    EXPECT_EQ(files.load(file.get(), (70 << 20) + 4).error().code, Code::kCorrupt);
  }
}

}  // namespace
}  // namespace lectern::model
