#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/instance/host.h"
#include "net/http_server.h"

namespace lectern::engine {

namespace {

/// One process group, watched through a pidfd.
class PlainEnvironment final : public Environment {
 public:
  PlainEnvironment(net::Loop& loop, pid_t pid, Fd pidfd, Fd listener, Fd output)
      : loop_(loop), pid_(pid), pidfd_(std::move(pidfd)), listener_(std::move(listener)), output_(std::move(output)) {
    loop_.watchReadable(pidfd_.get(), [this] { reap(); });
  }
  ~PlainEnvironment() override {
    if (pid_ <= 0) return;
    loop_.unwatch(pidfd_.get());
    ::kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Fd takeApiListener() override { return std::move(listener_); }
  Fd takeOutput() override { return std::move(output_); }
  void onExit(std::function<void(const sandbox::ExitInfo&)> callback) override { on_exit_ = std::move(callback); }
  void freeze() override { signal(SIGSTOP); }
  void thaw() override { signal(SIGCONT); }
  void kill() override { signal(SIGKILL); }
  void setCpuQuota(double) override {}
  Bytes memoryPeak() const override { return peak_; }
  int pid() const override { return pid_; }

 private:
  void signal(int number) {
    if (pid_ > 0) ::kill(-pid_, number);
  }
  void reap() {
    int status = 0;
    rusage usage{};
    if (wait4(pid_, &status, WNOHANG, &usage) != pid_) return;
    ::kill(-pid_, SIGKILL);
    loop_.unwatch(pidfd_.get());
    pid_ = 0;
    sandbox::ExitInfo info;
    if (WIFEXITED(status)) info.exit_status = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) info.signal = WTERMSIG(status);
    peak_ = kibibytes(usage.ru_maxrss);
    info.memory_peak = peak_;
    auto callback = std::move(on_exit_);  // may drop this object
    if (callback) callback(info);
  }

  net::Loop& loop_;
  pid_t pid_;
  Fd pidfd_, listener_, output_;
  Bytes peak_;
  std::function<void(const sandbox::ExitInfo&)> on_exit_;
};

class PlainHost final : public InstanceHost {
 public:
  explicit PlainHost(net::Loop& loop) : loop_(loop) {}
  ~PlainHost() override { *alive_ = false; }

  void spawn(sandbox::SandboxSpec spec, Callback done) override {
    auto shared = std::make_shared<sandbox::SandboxSpec>(std::move(spec));
    loop_.defer([this, alive = alive_, shared, done = std::move(done)] {
      if (*alive) done(start(*shared));
    });
  }
  std::string description() const override {
    return "isolation: none: functions run as plain processes; memory, CPU, files and network are not limited";
  }

 private:
  Result<std::unique_ptr<Environment>> start(const sandbox::SandboxSpec& spec) {
    std::vector<std::string> command = spec.command;
    if (command.empty()) {
      auto own = spec.task_dir / "bootstrap";
      command = {own.string()};
      for (auto it = spec.layers.rbegin(); access(command[0].c_str(), F_OK) != 0 && it != spec.layers.rend(); ++it) {
        command = {(*it / "bootstrap").string()};
      }
    }
    TRY(Fd listener, net::listenTcp("127.0.0.1", 0));
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) != 0) return failErrno("pipe", errno);
    Fd read_end(pipe_fds[0]), write_end(pipe_fds[1]);
    fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
    std::vector<std::string> env = spec.env;
    for (auto& variable : env) {
      // The bundle is where it is, not at /var/task.
      for (size_t at; (at = variable.find("/var/task")) != std::string::npos;) {
        variable.replace(at, strlen("/var/task"), spec.task_dir.string());
      }
    }
    env.push_back("AWS_LAMBDA_RUNTIME_API=127.0.0.1:" + std::to_string(net::boundPort(listener.get())));
    pid_t pid = 0;
    int error = launch(spec, command, env, write_end.get(), pid);
    if (error != 0) return failErrno("fork/exec " + command[0], error);
    Fd pidfd(int(syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd.valid()) {
      ::kill(-pid, SIGKILL);
      waitpid(pid, nullptr, 0);
      return failErrno("pidfd_open", errno);
    }
    return std::make_unique<PlainEnvironment>(loop_, pid, std::move(pidfd), std::move(listener), std::move(read_end));
  }

  static int launch(const sandbox::SandboxSpec& spec, const std::vector<std::string>& command,
                    const std::vector<std::string>& env, int output, pid_t& pid) {
    std::vector<char*> argv, envp;
    for (auto& text : command) argv.push_back(const_cast<char*>(text.c_str()));
    for (auto& text : env) envp.push_back(const_cast<char*>(text.c_str()));
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    posix_spawn_file_actions_adddup2(&actions, output, 2);
    posix_spawn_file_actions_addchdir_np(&actions, spec.task_dir.c_str());
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawn(&pid, command[0].c_str(), &actions, &attributes, argv.data(), envp.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
  }

  net::Loop& loop_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

void InstanceHost::restore(const std::string&, sandbox::SandboxSpec spec, RestoreCallback done) {
  spawn(std::move(spec), [done = std::move(done)](Result<std::unique_ptr<Environment>> environment) {
    if (!environment) return done(Failure(environment.error()));
    done(StartedEnvironment{std::move(*environment), false, "snapshots need sandboxes"});
  });
}

void InstanceHost::makeSnapshot(const SnapshotWish&, sandbox::SandboxSpec, SnapshotCallback done) {
  done({fail(Code::kUnavailable, "snapshots need sandboxes"), Nanos(0), {}});
}

std::unique_ptr<InstanceHost> makePlainHost(net::Loop& loop) { return std::make_unique<PlainHost>(loop); }

}  // namespace lectern::engine
