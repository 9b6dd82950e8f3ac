#pragma once
// Starts processes in sandboxes through the spawner, a small privileged program beside `lectern`. One thread, no
// blocking calls after start(): the caller's event loop watches eventFd() and calls onReadable(), which runs the
// callbacks.
//
//   auto spawner = Spawner::start({});                       // once; blocks some ms
//   loop.watch((*spawner)->eventFd(), [&] { (*spawner)->onReadable(); });
//   (*spawner)->spawn(spec, [](Result<std::unique_ptr<Sandbox>> sandbox) { ... accept() on sandbox->takeApiListener()
//   }); sandbox->onExit([](const ExitInfo& info) { ... });
//
// The listener of a sandbox is bound to 127.0.0.1:9001 inside the sandbox's own network: whoever connects to it is
// that instance, so no token is needed. Dropping a Sandbox kills its processes and removes its cgroups.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "base/units.h"
#include "engine/sandbox/capabilities.h"

namespace lectern::sandbox {

/// A directory of the host that the function sees below /mnt.
struct FileSystemMount {
  std::filesystem::path host_dir;
  std::string target;  // "/mnt/models"
  bool writable = false;
};

struct SandboxSpec {
  std::string id;                             // unique among live sandboxes; [A-Za-z0-9_-], at most 64
  std::filesystem::path task_dir;             // read-only at /var/task, the working directory
  std::vector<std::filesystem::path> layers;  // merged read-only at /opt, later ones win
  std::vector<FileSystemMount> mounts;
  Bytes memory_limit = mebibytes(128);  // of all processes together; pages of /tmp are not counted against it
  double cpu_share = 0;                 // cores (MB / 1769); applied by setCpuQuota, not during init; 0: never
  /// Cores that it sees and runs on, as by sched_getaffinity; 0 or more than there are: all. Copies of a snapshot and
  /// interpreters that were started ahead see all.
  int visible_cores = 0;
  Bytes tmp_size = mebibytes(512);
  int max_pids = 1024;
  int max_fds = 1024;
  std::vector<std::string> env;      // "NAME=value"; AWS_LAMBDA_RUNTIME_API is added by the spawner
  bool boots = false;              // an interpreter that waits (Spawner::prepareBoot) may run it: it reads the variables later
  std::vector<std::string> command;  // paths inside the sandbox; empty: /var/task/bootstrap, then /opt/bootstrap
  bool keep = false;     // the sandbox outlives its processes: clear() and startProcess() start it anew, /tmp as it was
  bool waiting = false;  // with keep: begins without a process
};

/// How the first process could not be started. Everything else that ends a sandbox is in ExitInfo's status.
enum class StartError { kNone, kNoBootstrap, kNotExecutable };

struct ExitInfo {
  int exit_status = 0;  // of the first process, when it exited by itself
  int signal = 0;       // the signal that ended it, or 0
  bool out_of_memory = false;
  StartError start_error = StartError::kNone;
  Bytes memory_peak;  // highest use of the whole sandbox; 0 where there are no cgroups
  Nanos cpu_time{0};  // of all its processes
};

class Spawner;

/// One running sandbox. Everything here is a system call or two and never waits.
class Sandbox {
 public:
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  const std::string& id() const { return id_; }
  /// Process id of the sandbox's init, as the engine sees it.
  int pid() const { return pid_; }
  /// The listening socket of the Runtime API (non-blocking); the caller owns it from then on.
  Fd takeApiListener() { return std::move(api_listener_); }
  /// Read end of the pipe that is standard output and standard error of the function (non-blocking).
  Fd takeOutput() { return std::move(output_); }

  /// Called once, from onReadable(), when the first process has ended (all others are dead then, too); of a kept sandbox
  /// when that as a whole has ended, which nothing but want of memory, kill() or the spawner's end causes.
  void onExit(std::function<void(const ExitInfo&)> callback);

  /// Keeps something alive as long as this object.
  void keep(std::shared_ptr<void> something) { kept_ = std::move(something); }

  /// Stops all processes of the sandbox in their tracks, and lets them go on.
  void freeze();
  void thaw();
  bool frozen() const { return frozen_; }
  /// Kills all processes (frozen ones too); onExit follows.
  void kill();
  /// Of a kept sandbox. Slot 0 is the function, 1 to 15 are free for processes beside it.
  /// Starts a process in a slot that is empty; the callback gets the read end of its output, from onReadable().
  void startProcess(int slot, std::vector<std::string> env, std::vector<std::string> command,
                    std::function<void(Result<Fd>)> done);
  void signalProcess(int slot, int number);
  /// Kills all its processes; onCleared() when none is left. What was running is reported by onProcess() first.
  void clear();
  void onCleared(std::function<void()> callback) { on_cleared_ = std::move(callback); }
  /// A process in a slot has ended; only its status and start_error are filled in.
  void onProcess(std::function<void(int slot, const ExitInfo&)> callback) { on_process_ = std::move(callback); }

  /// Limits all processes together to `cores` of CPU; 0 lifts the limit. A new sandbox runs at full speed.
  void setCpuQuota(double cores);
  /// Highest memory use since the start or since the last reset; 0 where there are no cgroups.
  Bytes memoryPeak() const;
  Bytes memoryCurrent() const;
  void resetMemoryPeak();
  /// CPU time used by all processes so far; 0 where there are no cgroups.
  Nanos cpuTime() const;

 private:
  friend class Spawner;
  explicit Sandbox(Spawner* owner) : owner_(owner) {}
  void writeControl(const Fd& fd, const std::string& text) const;

  Spawner* owner_ = nullptr;
  std::string id_;
  int pid_ = 0;
  bool frozen_ = false;
  bool ended_ = false;
  uint32_t max_pids_ = 0, max_fds_ = 0;  // for processes that are started later
  bool version2_ = false, version2_freeze_ = false;
  Fd api_listener_, output_;
  // Files of the sandbox's groups, opened by the spawner; invalid where there are no cgroups.
  Fd freeze_, cpu_quota_, cpu_period_, cpu_usage_, memory_peak_, memory_current_;
  std::function<void(const ExitInfo&)> on_exit_;
  std::optional<ExitInfo> unheard_;  // it ended before anybody listened
  std::function<void(int, const ExitInfo&)> on_process_;
  std::function<void()> on_cleared_;
  std::unordered_map<int, std::function<void(Result<Fd>)>> starting_;
  std::shared_ptr<void> kept_;
};

using SpawnCallback = std::function<void(Result<std::unique_ptr<Sandbox>>)>;

/// Said once about a template (SandboxSpec started by spawnTemplate): it can be forked, or why not.
using TemplateCallback = std::function<void(Result<void>)>;

struct SpawnerOptions {
  std::filesystem::path executable;  // empty: lectern-spawner beside the running program, or $LECTERN_SPAWNER
  bool allow_none = false;           // go on without any isolation where the machine offers none (--no-sandbox)
  bool force_none = false;           // plain processes even where sandboxes are possible
  bool first = false;                // sandboxes get their processor shares before other programs of the machine
  /// Folder with the socket of the keeper of weights (model/store/keeper.h), which functions then find by the variable
  /// LECTERN_KEEPER; empty: none.
  std::filesystem::path keeper = {};
  int prepared = 2;                  // sandboxes kept ready ahead of need (full and degraded isolation)
};

class Spawner {
 public:
  /// Starts the spawner and waits for its report about this machine. kUnavailable with the sentence for the user when
  /// the machine offers no isolation and `allow_none` is false; kNotFound without the executable.
  static Result<std::unique_ptr<Spawner>> start(const SpawnerOptions& options);
  /// Ends the spawner and with it all sandboxes.
  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  const Capabilities& capabilities() const { return capabilities_; }

  int eventFd() const { return socket_.get(); }
  /// Handles everything that has arrived. After the spawner itself has died every sandbox is reported as killed and
  /// alive() is false.
  void onReadable();
  bool alive() const { return socket_.valid(); }

  /// Has an interpreter started ahead of need, again and again: of `spec` its command and variables. It finds
  /// LECTERN_BOOT_FD, reads "NAME=value" texts from there in one read when a function wants it (end of file: nobody
  /// will), and loads that function from /var/task.
  void prepareBoot(SandboxSpec spec);

  /// The callback runs from onReadable(), never from within spawn(). kInvalid for a wrong spec, kUnavailable when the
  /// machine refuses.
  void spawn(SandboxSpec spec, SpawnCallback done);

  /// Starts a process that is to be forked (AWS_LAMBDA_INITIALIZATION_TYPE=snap-start is set for it). `ready` is
  /// called when it has finished its init, with the reason when it cannot be forked.
  void spawnTemplate(SandboxSpec spec, SpawnCallback done, TemplateCallback ready);
  /// A fork of the template in a fresh sandbox of its own. The same callback contract as spawn().
  void forkTemplate(const std::string& template_id, SandboxSpec spec, SpawnCallback done);

 private:
  friend class Sandbox;
  struct Pending {
    SpawnCallback done;
    TemplateCallback ready;
    uint32_t max_pids = 0, max_fds = 0;
  };
  Spawner() = default;
  void send(const std::string& message);
  void submit(uint32_t type, SandboxSpec spec, const std::string& template_id, Pending pending);
  void handle(std::string message, std::vector<Fd> fds);
  void handleProcess(uint32_t type, Sandbox& sandbox, std::string_view rest, std::vector<Fd> fds);
  void lost();

  Fd socket_;
  int pid_ = 0;
  Capabilities capabilities_;
  std::unordered_map<std::string, Pending> pending_;
  std::unordered_map<std::string, TemplateCallback> templates_;
  std::unordered_map<std::string, Sandbox*> live_;
  std::vector<std::pair<SpawnCallback, Error>> refused_;
  std::vector<Sandbox*> late_;  // whose end is told when everything that has arrived is handled
};

}  // namespace lectern::sandbox
