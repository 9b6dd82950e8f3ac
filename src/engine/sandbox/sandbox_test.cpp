// Real processes in real sandboxes. Where the machine does not offer what a test needs, it says so and is skipped.
#include "engine/sandbox/sandbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <optional>

#include "base/clock.h"

namespace lectern::sandbox {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Ran {
  std::string output;
  ExitInfo exit;
  std::unique_ptr<Sandbox> sandbox;
};

class SandboxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SpawnerOptions options;
    options.allow_none = true, options.prepared = 1;
    auto started = Spawner::start(options);
    ASSERT_TRUE(started) << started.error().message;
    spawner_ = std::move(*started);
    auto dir = TempDir::create();
    ASSERT_TRUE(dir);
    dir_.emplace(std::move(*dir));
    chmod(dir_->path().c_str(), 0755);
  }

  bool isolated() const { return spawner_->capabilities().isolation != Isolation::kNone; }
  bool limited() const { return spawner_->capabilities().isolation == Isolation::kFull; }

  SandboxSpec shell(const std::string& script) {
    SandboxSpec spec;
    spec.id = "t" + std::to_string(++counter_);
    spec.task_dir = dir_->path();
    spec.env = {"PATH=/usr/bin:/bin"};
    spec.command = {"/bin/sh", "-c", script};
    return spec;
  }

  /// Handles the spawner's messages until `done`, at most a minute: cgroup2_test.py runs this in an emulated machine.
  template <typename Done>
  bool pump(Done done, int millis = 60'000) {
    RealClock clock;
    SteadyTime end = clock.now() + Millis(millis);
    while (!done()) {
      int left = static_cast<int>((end - clock.now()).count() / 1'000'000);
      pollfd wait{spawner_->eventFd(), POLLIN, 0};
      if (left <= 0 || !spawner_->alive()) return false;
      if (poll(&wait, 1, std::min(left, 50)) > 0) spawner_->onReadable();
    }
    return true;
  }

  std::unique_ptr<Sandbox> start(SandboxSpec spec, std::string* error = nullptr) {
    std::unique_ptr<Sandbox> sandbox;
    bool answered = false;
    spawner_->spawn(std::move(spec), [&](Result<std::unique_ptr<Sandbox>> result) {
      answered = true;
      if (result) sandbox = std::move(*result);
      if (!result && error) *error = result.error().message;
    });
    EXPECT_FALSE(answered) << "the callback ran inside spawn()";
    EXPECT_TRUE(pump([&] { return answered; }));
    return sandbox;
  }

  static std::string drain(const Fd& fd) {
    std::string text;
    char buffer[65536];
    ssize_t n;
    while ((n = read(fd.get(), buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<size_t>(n));
    return text;
  }

  /// Runs the spec to its end.
  Ran run(SandboxSpec spec) {
    Ran ran;
    std::string error;
    ran.sandbox = start(std::move(spec), &error);
    if (!ran.sandbox) {
      ADD_FAILURE() << error;
      return ran;
    }
    Fd output = ran.sandbox->takeOutput();
    bool ended = false;
    ran.sandbox->onExit([&](const ExitInfo& info) { ran.exit = info, ended = true; });
    EXPECT_TRUE(pump([&] {
      ran.output += drain(output);
      return ended;
    }));
    ran.output += drain(output);
    return ran;
  }

  Ran run(const std::string& script) { return run(shell(script)); }

  std::unique_ptr<Spawner> spawner_;
  std::optional<TempDir> dir_;
  int counter_ = 0;
};

#define NEEDS_ISOLATION() \
  if (!isolated()) GTEST_SKIP() << spawner_->capabilities().message
#define NEEDS_LIMITS() \
  if (!limited()) GTEST_SKIP() << spawner_->capabilities().message

TEST_F(SandboxTest, TellsOutputAndStatus) {
  Ran ran = run("echo out; echo err >&2; exit 7");
  EXPECT_EQ(ran.output, "out\nerr\n");
  EXPECT_TRUE(ran.exit.exit_status == 7 && ran.exit.signal == 0 && !ran.exit.out_of_memory);
}

TEST_F(SandboxTest, SeesSomeCores) {
  NEEDS_ISOLATION();
  SandboxSpec spec = shell("nproc; grep -c ^processor /proc/cpuinfo; cat /sys/devices/system/cpu/online");
  spec.visible_cores = 1;
  EXPECT_EQ(run(spec).output, "1\n1\n0\n");
}

TEST_F(SandboxTest, TellsSignals) {
  EXPECT_EQ(run("kill -SEGV $$").exit.signal, SIGSEGV);
  EXPECT_EQ(run("kill -KILL $$").exit.signal, SIGKILL);
}

TEST_F(SandboxTest, SeesOnlyItsOwnProcesses) {
  NEEDS_ISOLATION();
  Ran ran = run(
      "cat /proc/[0-9]*/comm | sort | tr '\\n' ' '; hostname; id -u; ls /proc/1/root >/dev/null 2>&1 && echo reach");
  EXPECT_THAT(ran.output, HasSubstr("init"));
  EXPECT_THAT(ran.output, Not(HasSubstr("sandbox_test")));
  EXPECT_THAT(ran.output, HasSubstr("sandbox\n993\n"));
  EXPECT_THAT(ran.output, Not(HasSubstr("reach")));
}

TEST_F(SandboxTest, SeesNothingOfTheHost) {
  NEEDS_ISOLATION();
  std::ofstream(dir_->path() / "bootstrap") << "code";
  Ran ran =
      run("ls -A / | tr '\\n' ' '; ls -A /root /home /mnt /opt | grep -v : ; cat /etc/shadow 2>&1; cat bootstrap; "
          "pwd; ls /var");
  EXPECT_THAT(ran.output, HasSubstr("code/var/task\n"));
  EXPECT_THAT(ran.output, HasSubstr("No such file"));
  for (const char* word : {"boot", "srv", "media", "run ", "root:"}) {
    EXPECT_THAT(ran.output.substr(0, ran.output.find("code")), Not(HasSubstr(word)));
  }
}

TEST_F(SandboxTest, CannotWriteButInTmp) {
  NEEDS_ISOLATION();
  Ran ran =
      run("for d in / /usr/bin /etc /var/task /opt /proc/sys/kernel /dev /sys; do touch $d/x 2>/dev/null && echo "
          "wrote $d; done;"
          "echo hi > /tmp/x && cat /tmp/x; mount -t tmpfs x /tmp 2>/dev/null && echo mounted; unshare -U true "
          "2>/dev/null && echo user");
  EXPECT_EQ(ran.output, "hi\n");
}

TEST_F(SandboxTest, HasNoNetworkButItsLoopback) {
  NEEDS_ISOLATION();
  Ran ran = run("tail -n +3 /proc/net/dev | wc -l; cat /proc/net/route | wc -l; wc -l < /proc/net/tcp");
  EXPECT_EQ(ran.output, "1\n1\n2\n");  // lo; no route but the heading; the Runtime API's listener below the heading
}

TEST_F(SandboxTest, ListenerBelongsToTheSandbox) {
  auto sandbox = start(shell("exec 3<>/dev/null; echo $AWS_LAMBDA_RUNTIME_API; sleep 20"));
  ASSERT_TRUE(sandbox);
  Fd listener = sandbox->takeApiListener();
  int on = 0;
  socklen_t size = sizeof on;
  ASSERT_EQ(getsockopt(listener.get(), SOL_SOCKET, SO_ACCEPTCONN, &on, &size), 0);
  EXPECT_EQ(on, 1);
  sandbox->kill();
}

TEST_F(SandboxTest, MountsLayersAndFileSystems) {
  NEEDS_ISOLATION();
  auto make = [&](const std::string& folder, const std::string& file, const std::string& text) {
    std::filesystem::create_directories(dir_->path() / folder);
    std::ofstream(dir_->path() / folder / file) << text;
  };
  make("one", "both", "first"), make("one", "a", "a"), make("two", "both", "second"), make("data", "in", "data");
  SandboxSpec spec =
      shell("cat /opt/both /opt/a /mnt/ro/in; echo x > /mnt/ro/y || echo ro; echo x > /mnt/rw/made; ls /mnt/rw");
  spec.layers = {dir_->path() / "one", dir_->path() / "two"};
  std::filesystem::create_directories(dir_->path() / "rw");
  chmod((dir_->path() / "rw").c_str(), 0777);
  spec.mounts = {{dir_->path() / "data", "/mnt/ro", false}, {dir_->path() / "rw", "/mnt/rw", true}};
  Ran ran = run(std::move(spec));
  EXPECT_THAT(ran.output, HasSubstr("secondadata"));
  EXPECT_THAT(ran.output, HasSubstr("ro\nmade\n"));
  EXPECT_TRUE(std::filesystem::exists(dir_->path() / "rw" / "made"));
}

TEST_F(SandboxTest, AnEndThatNobodyListenedForIsTold) {
  auto sandbox = start(shell("exit 5"));
  ASSERT_TRUE(sandbox);
  pump([] { return false; }, 300);
  std::optional<ExitInfo> exit;
  sandbox->onExit([&](const ExitInfo& info) { exit = info; });
  EXPECT_FALSE(exit) << "the callback ran inside onExit()";
  EXPECT_TRUE(pump([&] { return exit.has_value(); }));
  EXPECT_EQ(exit->exit_status, 5);
}

TEST_F(SandboxTest, AnInterpreterThatWaitsTakesTheFunction) {
  NEEDS_ISOLATION();
  std::ofstream(dir_->path() / "code") << "code";
  SandboxSpec spec = shell(
      "if [ -n \"$LECTERN_BOOT_FD\" ]; then echo ahead; dd bs=65536 count=1 <&5 2>/dev/null | tr '\\0' '\\n'; fi; "
      "cat /var/task/code; ls /tmp; exit 3");
  spec.env.push_back("BOOTED=yes");
  spawner_->prepareBoot(spec);
  spec.env = {"PATH=/usr/bin:/bin", "WANTED=yes"};
  spec.boots = true;
  Ran ran;
  // The first one may come too early for it.
  for (int i = 0; i < 20 && ran.output.find("ahead") == std::string::npos; ++i) {
    pump([] { return false; }, 50);
    spec.id = "boot" + std::to_string(i);
    ran = run(spec);
    EXPECT_THAT(ran.output, HasSubstr("code"));
    EXPECT_EQ(ran.exit.exit_status, 3);
  }
  EXPECT_THAT(ran.output, HasSubstr("ahead\nPATH=/usr/bin:/bin\nWANTED=yes\n"));
  // Another command starts the ordinary way.
  SandboxSpec other = shell("echo other");
  other.boots = true;
  EXPECT_EQ(run(std::move(other)).output, "other\n");
}

TEST_F(SandboxTest, MissingBootstrapIsTold) {
  SandboxSpec spec = shell("");
  spec.command.clear();
  EXPECT_EQ(run(spec).exit.start_error, StartError::kNoBootstrap);
  std::ofstream(dir_->path() / "bootstrap") << "#!/bin/sh\necho started\n";
  spec.id = "again";
  EXPECT_EQ(run(spec).exit.start_error, StartError::kNotExecutable);
  chmod((dir_->path() / "bootstrap").c_str(), 0755);
  spec.id = "third";
  Ran ran = run(spec);
  EXPECT_EQ(ran.output, "started\n");
  EXPECT_EQ(ran.exit.start_error, StartError::kNone);
}

TEST_F(SandboxTest, WrongSpecsAreRefused) {
  std::string error;
  SandboxSpec spec = shell("true");
  spec.id = "../x";
  EXPECT_FALSE(start(spec, &error));
  spec = shell("true");
  spec.task_dir = "/no/such/folder";
  EXPECT_FALSE(isolated() && start(spec, &error));
  spec = shell("true");
  spec.mounts = {{dir_->path(), "/mnt/../etc", true}};
  EXPECT_FALSE(start(spec, &error));
  EXPECT_THAT(error, HasSubstr("/mnt/NAME"));
}

TEST_F(SandboxTest, MemoryLimitKillsAndIsToldFromACrash) {
  NEEDS_LIMITS();
  SandboxSpec spec = shell("exec perl -e '$x = \"x\" x (1 << 20); push @a, $x . $_ for 1..600; print \"survived\"'");
  spec.memory_limit = mebibytes(128);
  Ran ran = run(std::move(spec));
  EXPECT_TRUE(ran.exit.out_of_memory);
  EXPECT_EQ(ran.exit.signal, SIGKILL);
  EXPECT_EQ(ran.output, "");
  EXPECT_GT(ran.exit.memory_peak, mebibytes(120));
  EXPECT_LE(ran.exit.memory_peak, mebibytes(128));
}

TEST_F(SandboxTest, FilesInTmpAreNoMemory) {
  NEEDS_LIMITS();
  SandboxSpec spec = shell("head -c 300000000 /dev/zero > /tmp/big && ls -l /tmp/big | wc -l");
  spec.memory_limit = mebibytes(128);
  Ran ran = run(std::move(spec));
  EXPECT_EQ(ran.output, "1\n");
  EXPECT_FALSE(ran.exit.out_of_memory);
}

TEST_F(SandboxTest, TmpIsFullAtItsSize) {
  NEEDS_ISOLATION();
  SandboxSpec spec = shell("head -c 100000000 /dev/zero > /tmp/big; wc -c < /tmp/big");
  spec.tmp_size = mebibytes(64);
  Ran ran = run(std::move(spec));
  EXPECT_THAT(ran.output, HasSubstr("No space left"));
  EXPECT_THAT(ran.output, HasSubstr(std::to_string(mebibytes(64).value)));
}

TEST_F(SandboxTest, ForkBombIsContained) {
  NEEDS_LIMITS();
  SandboxSpec spec = shell("i=0; while [ $i -lt 200 ]; do sleep 5 & i=$((i+1)); done; echo all started");
  spec.max_pids = 40;
  Ran ran = run(std::move(spec));
  EXPECT_THAT(ran.output, HasSubstr("fork"));
  EXPECT_THAT(ran.output, Not(HasSubstr("all started")));
}

TEST_F(SandboxTest, DescriptorsAreLimited) {
  Ran ran = run("ulimit -n; ulimit -Hn; ls /proc/self/fd | wc -l");
  EXPECT_EQ(ran.output, "1024\n1024\n4\n");  // nothing but 0, 1, 2 and the directory that ls reads
}

TEST_F(SandboxTest, FrozenProcessesDoNothing) {
  auto sandbox = start(shell("while :; do echo x; sleep 0.005; done"));
  ASSERT_TRUE(sandbox);
  Fd output = sandbox->takeOutput();
  std::string text;
  ASSERT_TRUE(pump([&] { return !(text += drain(output)).empty(); }));
  sandbox->freeze();
  pump([] { return false; }, 30);
  drain(output);
  pump([] { return false; }, 200);
  EXPECT_EQ(drain(output), "");
  sandbox->thaw();
  text.clear();
  EXPECT_TRUE(pump([&] { return !(text += drain(output)).empty(); }));
  sandbox->freeze();
  bool ended = false;
  sandbox->onExit([&](const ExitInfo& info) { ended = info.signal == SIGKILL && !info.out_of_memory; });
  sandbox->kill();
  EXPECT_TRUE(pump([&] { return ended; }));
}

TEST_F(SandboxTest, CpuQuotaHolds) {
  NEEDS_LIMITS();
  auto sandbox = start(shell("while :; do :; done"));
  ASSERT_TRUE(sandbox);
  sandbox->setCpuQuota(0.1);
  pump([] { return false; }, 300);
  Nanos before = sandbox->cpuTime();
  pump([] { return false; }, 1000);
  double share = static_cast<double>((sandbox->cpuTime() - before).count()) / 1e9;
  EXPECT_LT(share, 0.16);
  EXPECT_GT(share, 0.01);
}

TEST_F(SandboxTest, OrphansAreReapedAndKilledAtTheEnd) {
  NEEDS_ISOLATION();
  Ran ran =
      run("(sleep 60 &) ; for i in 1 2 3; do (true &) ; done; sleep 0.1; grep -c Z /proc/[0-9]*/stat | grep -c "
          "':[^0]'; echo end");
  EXPECT_THAT(ran.output, HasSubstr("0\nend\n"));
}

TEST_F(SandboxTest, ManyAtOnce) {
  int started = 0, ended = 0;
  std::vector<std::unique_ptr<Sandbox>> sandboxes;
  for (int i = 0; i < 20; ++i) {
    spawner_->spawn(shell("exit 3"), [&](Result<std::unique_ptr<Sandbox>> result) {
      ASSERT_TRUE(result) << result.error().message;
      ++started;
      (*result)->onExit([&](const ExitInfo& info) { ended += info.exit_status == 3; });
      sandboxes.push_back(std::move(*result));
    });
  }
  EXPECT_TRUE(pump([&] { return ended == 20; }));
  EXPECT_EQ(started, 20);
}

std::vector<std::string> groupsOf(int pid) {
  std::vector<std::string> found;
  std::error_code ec;
  for (auto it = std::filesystem::recursive_directory_iterator("/sys/fs/cgroup", ec); it != end(it);
       it.increment(ec)) {
    if (it->path().filename() == "lectern-" + std::to_string(pid)) found.push_back(it->path());
  }
  return found;
}

TEST_F(SandboxTest, NothingIsLeftBehind) {
  NEEDS_LIMITS();
  auto sandbox = start(shell("sleep 1000"));
  ASSERT_TRUE(sandbox);
  int init = sandbox->pid();
  std::string parent;
  std::ifstream status("/proc/" + std::to_string(init) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("PPid:")) parent = line.substr(6);
  }
  int spawner = std::stoi(parent);
  EXPECT_FALSE(groupsOf(spawner).empty());
  sandbox.reset();
  spawner_.reset();
  EXPECT_TRUE(groupsOf(spawner).empty());
  EXPECT_NE(kill(init, 0), 0);
}

TEST_F(SandboxTest, KilledSpawnerTakesItsSandboxesAlongAndTheNextOneCleansUp) {
  NEEDS_LIMITS();
  auto sandbox = start(shell("sleep 1000"));
  ASSERT_TRUE(sandbox);
  int init = sandbox->pid(), spawner = 0;
  std::ifstream status("/proc/" + std::to_string(init) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("PPid:")) spawner = std::stoi(line.substr(6));
  }
  bool told = false;
  sandbox->onExit([&](const ExitInfo& info) { told = info.signal == SIGKILL; });
  kill(spawner, SIGKILL);
  pump([&] { return told; });
  EXPECT_TRUE(told);
  EXPECT_FALSE(spawner_->alive());
  for (int i = 0; i < 500 && kill(init, 0) == 0; ++i) poll(nullptr, 0, 10);
  EXPECT_NE(kill(init, 0), 0);
  sandbox.reset();
  spawner_.reset();  // reaps the old one, so that its number is known to be dead
  auto next = Spawner::start({});
  ASSERT_TRUE(next);
  EXPECT_TRUE(groupsOf(spawner).empty());
}

TEST_F(SandboxTest, GroupsOfASpawnerInAnotherProcessNamespaceStay) {
  NEEDS_LIMITS();
  auto sandbox = start(shell("sleep 1000"));
  ASSERT_TRUE(sandbox);
  int spawner = 0;
  std::ifstream status("/proc/" + std::to_string(sandbox->pid()) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("PPid:")) spawner = std::stoi(line.substr(6));
  }
  const auto groups = groupsOf(spawner);
  ASSERT_FALSE(groups.empty());
  // Process 1 is no spawner here; in a namespace of its own it may be.
  const auto other = std::filesystem::path(groups[0]).parent_path() / "lectern-1";
  std::filesystem::create_directory(other);
  {
    const Fd lock(open(other.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_EQ(flock(lock.get(), LOCK_EX | LOCK_NB), 0);
    EXPECT_TRUE(Spawner::start({}));
    EXPECT_TRUE(std::filesystem::exists(other));
  }
  EXPECT_TRUE(Spawner::start({}));
  EXPECT_FALSE(std::filesystem::exists(other));
}

TEST_F(SandboxTest, KeptSandboxStartsAnewWithItsFilesAndRunsProcessesBesideTheFirst) {
  NEEDS_ISOLATION();
  SandboxSpec spec = shell("echo kept > /tmp/file; sleep 1000 & exit 3");
  spec.keep = true;
  auto sandbox = start(std::move(spec));
  ASSERT_TRUE(sandbox);
  std::map<int, ExitInfo> ended;
  bool cleared = false, gone = false;
  sandbox->onProcess([&](int slot, const ExitInfo& info) { ended[slot] = info; });
  sandbox->onCleared([&] { cleared = true; });
  sandbox->onExit([&](const ExitInfo&) { gone = true; });
  ASSERT_TRUE(pump([&] { return ended.contains(0); }));
  EXPECT_EQ(ended[0].exit_status, 3);
  sandbox->freeze();
  sandbox->clear();
  ASSERT_TRUE(pump([&] { return cleared; }));
  std::map<int, Fd> outputs;
  auto run = [&](int slot, const std::string& script) {
    sandbox->startProcess(slot, {"PATH=/usr/bin:/bin"}, {"/bin/sh", "-c", script}, [&, slot](Result<Fd> output) {
      ASSERT_TRUE(output) << output.error().message;
      outputs[slot] = std::move(*output);
    });
  };
  ended.clear();
  run(1, "sleep 1000");
  run(0, "cat /tmp/file; ls /proc | grep -c '^[0-9]'; id -u; echo x > /var/task/x || echo read-only");
  ASSERT_TRUE(pump([&] { return ended.contains(0) && outputs.contains(0); }));
  std::string text = drain(outputs[0]);
  EXPECT_THAT(text, HasSubstr("kept\n"));
  EXPECT_THAT(text, HasSubstr("read-only"));
  EXPECT_THAT(text, Not(HasSubstr("\n0\n")));  // not root
  EXPECT_FALSE(ended.contains(1));
  sandbox->signalProcess(1, SIGTERM);
  ASSERT_TRUE(pump([&] { return ended.contains(1); }));
  EXPECT_EQ(ended[1].signal, SIGTERM);
  EXPECT_FALSE(gone);
  sandbox->kill();
  EXPECT_TRUE(pump([&] { return gone; }));
}

TEST(PlainProcesses, RunWithoutIsolation) {
  SpawnerOptions options;
  options.force_none = true;
  auto started = Spawner::start(options);
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_EQ((*started)->capabilities().isolation, Isolation::kNone);
  auto dir = TempDir::create();
  SandboxSpec spec;
  spec.id = "p", spec.task_dir = dir->path(), spec.command = {"/bin/sh", "-c", "echo $AWS_LAMBDA_RUNTIME_API; exit 4"};
  std::unique_ptr<Sandbox> sandbox;
  std::optional<ExitInfo> exit;
  (*started)->spawn(spec, [&](Result<std::unique_ptr<Sandbox>> result) {
    ASSERT_TRUE(result);
    sandbox = std::move(*result);
    sandbox->onExit([&](const ExitInfo& info) { exit = info; });
  });
  while (!exit && (*started)->alive()) {
    pollfd wait{(*started)->eventFd(), POLLIN, 0};
    ASSERT_GT(poll(&wait, 1, 10'000), 0);
    (*started)->onReadable();
  }
  EXPECT_EQ(exit->exit_status, 4);
  Fd output = sandbox->takeOutput();
  char text[64] = {};
  EXPECT_GT(read(output.get(), text, sizeof text - 1), 0);
  EXPECT_THAT(text, HasSubstr("127.0.0.1:"));
}

}  // namespace
}  // namespace lectern::sandbox
