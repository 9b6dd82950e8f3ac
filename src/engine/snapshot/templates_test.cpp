// Real templates and forks of tests/functions/probe.
#include "engine/snapshot/templates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <set>
#include <sstream>

namespace lectern::snapshot {
namespace {

using sandbox::ExitInfo;
using sandbox::Sandbox;
using sandbox::SandboxSpec;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

/// An instance as the test holds it.
struct Instance {
  std::unique_ptr<Sandbox> sandbox;
  std::unique_ptr<ApiPeer> api;
  Fd output;
  StartKind kind = StartKind::kOrdinary;
  std::string why;
  std::optional<ExitInfo> exit;
  int events = 0;
};

class TemplatesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sandbox::SpawnerOptions options;
    options.allow_none = true;
    auto started = sandbox::Spawner::start(options);
    ASSERT_TRUE(started) << started.error().message;
    spawner_ = std::move(*started);
    if (!spawner_->capabilities().templates) GTEST_SKIP() << "no templates here: " << spawner_->capabilities().message;
    templates_ = std::make_unique<Templates>(*spawner_, clock_);
    code_ = fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "functions/probe";
    ASSERT_TRUE(fs::exists(code_ / "bootstrap")) << code_;
  }

  SandboxSpec spec(std::vector<std::string> env = {}) {
    SandboxSpec s;
    s.id = "i" + std::to_string(++counter_);
    s.task_dir = code_;
    s.env = std::move(env);
    return s;
  }

  template <typename Done>
  bool pump(Done done, int extra_fd = -1, int millis = 60'000) {
    SteadyTime end = clock_.now() + Millis(millis);
    while (!done()) {
      if (clock_.now() > end || !spawner_->alive()) return false;
      pollfd wait[3] = {{spawner_->eventFd(), POLLIN, 0}, {templates_->eventFd(), POLLIN, 0}, {extra_fd, POLLIN, 0}};
      poll(wait, 3, 50);
      if (wait[0].revents) spawner_->onReadable();
      if (wait[1].revents) templates_->onReadable();
    }
    return true;
  }

  std::unique_ptr<Instance> start(const std::string& key, SandboxSpec s) {
    auto instance = std::make_unique<Instance>();
    bool answered = false;
    templates_->start(key, std::move(s), [&](Result<Templates::Started> started) {
      answered = true;
      ASSERT_TRUE(started) << started.error().message;
      instance->sandbox = std::move(started->sandbox);
      instance->kind = started->kind, instance->why = started->why_ordinary;
    });
    EXPECT_TRUE(pump([&] { return answered; }));
    if (!instance->sandbox) return nullptr;
    instance->api = std::make_unique<ApiPeer>(instance->sandbox->takeApiListener());
    instance->output = instance->sandbox->takeOutput();
    instance->sandbox->onExit([raw = instance.get()](const ExitInfo& info) { raw->exit = info; });
    return instance;
  }

  std::optional<ApiRequest> request(Instance& i) {
    std::optional<ApiRequest> got;
    pump([&] { return (got = i.api->take()) || i.exit; }, i.api->waitFd());
    return got;
  }

  std::string ask(Instance& i, const std::string& question) {
    auto next = request(i);
    if (!next || !next->path.ends_with("/invocation/next")) return "no next";
    i.api->sendEvent("r" + std::to_string(++i.events), question);
    auto answer = request(i);
    if (!answer) return "gone";
    EXPECT_THAT(answer->path, HasSubstr("/response"));
    i.api->reply("202 Accepted", "", "{}");
    return answer->body;
  }

  Result<void> prepare(const std::string& key, SandboxSpec s) {
    std::optional<Result<void>> result;
    templates_->prepare(key, std::move(s), 0, [&](Result<void> r) { result = std::move(r); });
    EXPECT_TRUE(pump([&] { return result.has_value(); }));
    return result ? *result : fail(Code::kTimeout, "not told");
  }

  RealClock clock_;
  std::unique_ptr<sandbox::Spawner> spawner_;
  std::unique_ptr<Templates> templates_;
  fs::path code_;
  int counter_ = 0;
};

TEST_F(TemplatesTest, ForkHasRunInitOnceAndItsHooks) {
  auto ready = prepare("probe", spec());
  ASSERT_TRUE(ready) << ready.error().message << templates_->log("probe");
  EXPECT_EQ(templates_->state("probe"), State::kActive);
  auto a = start("probe", spec()), b = start("probe", spec());
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->kind, StartKind::kRestored);
  EXPECT_EQ(ask(*a, "count"), "1111");  // 100 from init, 10 before the snapshot, 1000 after the restore, 1 now
  EXPECT_EQ(ask(*a, "count"), "1112");
  EXPECT_EQ(ask(*b, "count"), "1111");
  EXPECT_EQ(templates_->log("probe"), "init\n");
}

TEST_F(TemplatesTest, OneAtATimeAndTheMostUsedFirst) {
  std::vector<std::string> order;
  // The first one begins at once.
  const std::vector<std::pair<std::string, int64_t>> wanted = {{"first", 0}, {"seldom", 1}, {"often", 5}, {"sometimes", 3}};
  for (const auto& [key, uses] : wanted) {
    templates_->prepare(key, spec(), uses, [&, key = key](Result<void> made) {
      EXPECT_TRUE(made) << key << ": " << made.error().message;
      order.push_back(key);
    });
  }
  EXPECT_TRUE(pump([&] { return order.size() == 4; }));
  EXPECT_EQ(order, (std::vector<std::string>{"first", "often", "sometimes", "seldom"}));
}

TEST_F(TemplatesTest, ForksShareNothingPrivate) {
  ASSERT_TRUE(prepare("probe", spec()));
  auto a = start("probe", spec({"STREAM=a"})), b = start("probe", spec({"STREAM=b"}));
  ASSERT_TRUE(a && b);
  std::set<std::string> numbers = {ask(*a, "rand"), ask(*b, "rand")};
  EXPECT_EQ(numbers.size(), 2u);
  const std::string entropy_a = ask(*a, "entropy"), entropy_b = ask(*b, "entropy");
  std::istringstream words_a(entropy_a), words_b(entropy_b);
  for (int i = 0; i < 3; ++i) {
    std::string word_a, word_b;
    words_a >> word_a, words_b >> word_b;
    EXPECT_NE(word_a, word_b) << "std::random_device, drand48 or getrandom: " << i;
  }
  EXPECT_EQ(ask(*a, "abstract"), "yes");
  EXPECT_EQ(ask(*b, "abstract"), "yes");
  EXPECT_EQ(ask(*a, "write"), "ok");
  EXPECT_EQ(ask(*a, "tmp"), "mine ");
  EXPECT_EQ(ask(*b, "tmp"), "");
  EXPECT_EQ(ask(*a, "processes"), "1 2 ");
  EXPECT_EQ(ask(*b, "processes"), "1 2 ");
  EXPECT_EQ(ask(*a, "pid"), "2");
  EXPECT_EQ(ask(*a, "listen"), "yes");
  EXPECT_EQ(ask(*b, "listen"), "yes");  // the same port: not the same network
  EXPECT_EQ(ask(*a, "env"), "a");
  EXPECT_EQ(ask(*b, "env"), "b");
  EXPECT_THAT(ask(*a, "capabilities"), HasSubstr("0000000000000000"));
  // 3: the Runtime API, 4 and 5: the two it listens on, 6: the directory being read.
  EXPECT_EQ(ask(*a, "fds"), "0 1 2 3 4 5 6 ");
}

TEST_F(TemplatesTest, OutputAndEndsAreTheForksOwn) {
  ASSERT_TRUE(prepare("probe", spec()));
  auto a = start("probe", spec());
  ASSERT_TRUE(a);
  EXPECT_EQ(ask(*a, "print"), "ok");
  char text[32] = {};
  EXPECT_GT(read(a->output.get(), text, sizeof text - 1), 0);
  EXPECT_STREQ(text, "printed\n");
  EXPECT_EQ(ask(*a, "exit"), "gone");
  ASSERT_TRUE(a->exit);
  EXPECT_EQ(a->exit->exit_status, 3);
  auto b = start("probe", spec());
  EXPECT_EQ(ask(*b, "crash"), "gone");
  ASSERT_TRUE(b->exit);
  EXPECT_EQ(b->exit->signal, SIGABRT);
  auto c = start("probe", spec());
  c->sandbox->kill();
  EXPECT_TRUE(pump([&] { return c->exit.has_value(); }));
  EXPECT_EQ(c->exit->signal, SIGKILL);
  EXPECT_EQ(templates_->state("probe"), State::kActive);
}

TEST_F(TemplatesTest, LimitsHoldForForks) {
  if (spawner_->capabilities().isolation != sandbox::Isolation::kFull)
    GTEST_SKIP() << spawner_->capabilities().message;
  ASSERT_TRUE(prepare("probe", spec()));
  SandboxSpec small = spec();
  small.memory_limit = mebibytes(128);
  auto a = start("probe", std::move(small));
  EXPECT_EQ(ask(*a, "grow"), "gone");
  ASSERT_TRUE(a->exit);
  EXPECT_TRUE(a->exit->out_of_memory);
  EXPECT_EQ(templates_->state("probe"), State::kActive);
  auto b = start("probe", spec());
  EXPECT_EQ(b->kind, StartKind::kRestored);
  EXPECT_EQ(ask(*b, "pid"), "2");
  EXPECT_LT(b->sandbox->memoryPeak(), mebibytes(10));
  b->sandbox->freeze();
  b->sandbox->thaw();
  EXPECT_EQ(ask(*b, "count"), "1111");
}

TEST_F(TemplatesTest, FirstStartIsOrdinaryAndMakesTheTemplate) {
  auto a = start("probe", spec());
  ASSERT_TRUE(a);
  EXPECT_EQ(a->kind, StartKind::kOrdinary);
  EXPECT_THAT(a->why, HasSubstr("not ready"));
  EXPECT_EQ(ask(*a, "count"), "101");
  EXPECT_TRUE(pump([&] { return templates_->state("probe") == State::kActive; }));
  auto b = start("probe", spec());
  EXPECT_EQ(b->kind, StartKind::kRestored);
  EXPECT_EQ(ask(*b, "count"), "1111");
}

TEST_F(TemplatesTest, ThreadsFallBackToTheOrdinaryStartWithTheReason) {
  auto ready = prepare("threads", spec({"THREADS=1"}));
  ASSERT_FALSE(ready);
  EXPECT_THAT(ready.error().message, HasSubstr("2 threads"));
  auto a = start("threads", spec({"THREADS=1"}));
  EXPECT_EQ(a->kind, StartKind::kOrdinary);
  EXPECT_THAT(a->why, HasSubstr("2 threads"));
  EXPECT_EQ(ask(*a, "count"), "101");
}

TEST_F(TemplatesTest, FilesOfInitInTmpForbidCopies) {
  auto ready = prepare("files", spec({"LEAVE_FILE=1"}));
  ASSERT_FALSE(ready);
  EXPECT_THAT(ready.error().message, HasSubstr("left files in /tmp (left)"));
}

TEST_F(TemplatesTest, LayersFileSystemsAndLargeTmpAreThere) {
  auto dir = TempDir::create("templates-test-");
  ASSERT_TRUE(dir);
  for (const char* name : {"one", "two", "data"}) {
    fs::create_directories(dir->path() / name);
    ASSERT_TRUE(writeFileAtomic(dir->path() / name / (std::string(name) + ".txt"), "x"));
  }
  auto full = [&] {
    SandboxSpec s = spec();
    s.layers = {dir->path() / "one", dir->path() / "two"};
    s.mounts = {{dir->path() / "data", "/mnt/data", false}};
    s.tmp_size = mebibytes(10'240);
    return s;
  };
  ASSERT_TRUE(prepare("full", full()));
  auto a = start("full", full());
  ASSERT_TRUE(a);
  EXPECT_EQ(a->kind, StartKind::kRestored) << a->why;
  EXPECT_THAT(ask(*a, "opt"), HasSubstr("one.txt"));
  EXPECT_THAT(ask(*a, "opt"), HasSubstr("two.txt"));
  EXPECT_EQ(ask(*a, "mnt"), "data.txt ");
  EXPECT_EQ(ask(*a, "tmpsize"), "10240");
}

TEST_F(TemplatesTest, FailedInitAndOtherRuntimesAreTold) {
  auto failed = prepare("failing", spec({"FAIL_INIT=1"}));
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("init failed"));
  SandboxSpec shell = spec();
  shell.command = {"/bin/sh", "-c", "exit 9"};
  auto ended = prepare("shell", std::move(shell));
  ASSERT_FALSE(ended);
  EXPECT_THAT(ended.error().message, HasSubstr("status 9"));
}

TEST_F(TemplatesTest, DroppedTemplateTakesItsForksAlong) {
  ASSERT_TRUE(prepare("probe", spec()));
  auto a = start("probe", spec());
  EXPECT_EQ(ask(*a, "pid"), "2");
  templates_->drop("probe");
  EXPECT_TRUE(pump([&] { return a->exit.has_value(); }));
  EXPECT_EQ(templates_->state("probe"), State::kNone);
}

/// The template's process: a child of its sandbox's init, which the spawner, a child of ours, has started.
int templateProcess() {
  const auto parent = [](int pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("PPid:")) return atoi(line.c_str() + 5);
    }
    return 0;
  };
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const int pid = atoi(entry.path().filename().c_str());
    if (pid <= 0 || parent(parent(parent(pid))) != getpid()) continue;
    std::ifstream in(entry.path() / "environ");
    const std::string environment((std::istreambuf_iterator<char>(in)), {});
    if (environment.find("LECTERN_TEMPLATE_FD=") != std::string::npos) return pid;
  }
  return 0;
}

TEST_F(TemplatesTest, AKilledTemplateIsReplaced) {
  if (geteuid() != 0) GTEST_SKIP() << "only root sees the environments of sandboxed processes";
  ASSERT_TRUE(prepare("probe", spec()));
  auto a = start("probe", spec());
  EXPECT_EQ(ask(*a, "pid"), "2");
  const int pid = templateProcess();
  ASSERT_GT(pid, 0);
  kill(pid, SIGKILL);
  EXPECT_TRUE(pump([&] { return a->exit.has_value() && templates_->state("probe") == State::kNone; }));
  auto b = start("probe", spec());
  ASSERT_TRUE(b);
  EXPECT_EQ(b->kind, StartKind::kOrdinary);
  EXPECT_EQ(ask(*b, "count"), "101");
  EXPECT_TRUE(pump([&] { return templates_->state("probe") == State::kActive; }));
  auto c = start("probe", spec());
  EXPECT_EQ(c->kind, StartKind::kRestored);
  EXPECT_EQ(ask(*c, "count"), "1111");
}

TEST_F(TemplatesTest, ATemplateThatCannotForkIsNotUsed) {
  ASSERT_TRUE(prepare("probe", spec({"NO_FORK=1"})));
  // Copies are tried ahead of need, and after some failures no more.
  std::unique_ptr<Instance> a;
  const SteadyTime end = clock_.now() + Seconds(60);
  while (clock_.now() < end) {
    a = start("probe", spec({"NO_FORK=1"}));
    ASSERT_TRUE(a);
    if (a->kind == StartKind::kOrdinary) break;
    EXPECT_TRUE(pump([&] { return a->exit.has_value(); }));
  }
  EXPECT_EQ(a->kind, StartKind::kOrdinary);
  EXPECT_THAT(a->why, HasSubstr("copying the template's process"));
  EXPECT_EQ(ask(*a, "count"), "101");
}

TEST_F(TemplatesTest, LeastRecentlyUsedLeavesWhenTheBudgetIsFull) {
  if (spawner_->capabilities().isolation != sandbox::Isolation::kFull)
    GTEST_SKIP() << spawner_->capabilities().message;
  TemplatesOptions options;
  options.budget = Bytes{1};  // any template fills it
  templates_ = std::make_unique<Templates>(*spawner_, clock_, options);
  ASSERT_TRUE(prepare("first", spec()));
  ASSERT_TRUE(prepare("second", spec()));
  EXPECT_EQ(templates_->state("first"), State::kNone);
  EXPECT_EQ(templates_->state("second"), State::kActive);
  auto used = start("second", spec());
  ASSERT_TRUE(prepare("third", spec()));  // the limit gives way: a template with instances stays
  EXPECT_EQ(templates_->state("second"), State::kActive);
  EXPECT_EQ(ask(*used, "pid"), "2");
}

TEST_F(TemplatesTest, ManyForksAtOnce) {
  ASSERT_TRUE(prepare("probe", spec()));
  std::vector<std::unique_ptr<Instance>> all;
  for (int i = 0; i < 30; ++i) all.push_back(start("probe", spec()));
  std::set<std::string> numbers;
  for (auto& instance : all) {
    ASSERT_TRUE(instance);
    numbers.insert(ask(*instance, "rand"));
  }
  EXPECT_EQ(numbers.size(), 30u);
}

}  // namespace
}  // namespace lectern::snapshot
