#pragma once
// Where the processes of instances come from: sandboxes of the spawner, or plain processes.

#include <functional>
#include <memory>

#include "base/files.h"
#include "base/result.h"
#include "engine/sandbox/sandbox.h"
#include "net/loop.h"

namespace lectern::engine {

/// The processes of one environment. Calls never wait. Dropping it kills them.
class Environment {
 public:
  virtual ~Environment() = default;
  /// The listening socket of the Runtime API.
  virtual Fd takeApiListener() = 0;
  /// Read end of the pipe behind standard output and standard error, non-blocking.
  virtual Fd takeOutput() = 0;
  virtual void onExit(std::function<void(const sandbox::ExitInfo&)> callback) = 0;
  virtual void freeze() = 0;
  virtual void thaw() = 0;
  virtual void kill() = 0;
  virtual void setCpuQuota(double cores) = 0;
  virtual Bytes memoryPeak() const = 0;
  virtual int pid() const = 0;

  /// True when its files outlive its processes, so that they can be started anew in it; then onExit() tells of the end
  /// of the whole, and the calls below work (see sandbox::Sandbox). Slot 0 is the function.
  virtual bool keeps() const { return false; }
  virtual void startProcess(int /*slot*/, std::vector<std::string> /*env*/, std::vector<std::string> /*command*/,
                            std::function<void(Result<Fd>)> /*done*/) {}
  virtual void signalProcess(int /*slot*/, int /*number*/) {}
  virtual void onProcess(std::function<void(int, const sandbox::ExitInfo&)> /*callback*/) {}
  virtual void clear() {}
  virtual void onCleared(std::function<void()> /*callback*/) {}
};

/// An environment that was to come from a snapshot.
struct StartedEnvironment {
  std::unique_ptr<Environment> environment;
  bool restored = false;
  std::string why_ordinary;  // when it was not restored: the reason, for the log
};

/// A snapshot that is to be made ahead of need.
struct SnapshotWish {
  std::string key;       // one for each function version
  int64_t uses = 0;      // those with the most are made first
  Nanos init_limit{0};   // init may take this long
};

/// What became of it.
struct SnapshotMade {
  Result<void> result;  // or why there is none
  Nanos init{0};
  std::string log;  // what its init printed
};

class InstanceHost {
 public:
  using Callback = std::function<void(Result<std::unique_ptr<Environment>>)>;
  using RestoreCallback = std::function<void(Result<StartedEnvironment>)>;
  using SnapshotCallback = std::function<void(SnapshotMade)>;
  virtual ~InstanceHost() = default;
  /// The callback runs later, from the loop.
  virtual void spawn(sandbox::SandboxSpec spec, Callback done) = 0;
  /// Has an interpreter started ahead (Spawner::prepareBoot), where that can be.
  virtual void prepareBoot(sandbox::SandboxSpec /*spec*/) {}
  /// Starts from the snapshot `key`, or the ordinary way while there is none. The same rule for the callback.
  virtual void restore(const std::string& key, sandbox::SandboxSpec spec, RestoreCallback done);
  /// Makes a snapshot in the background.
  virtual void makeSnapshot(const SnapshotWish& wish, sandbox::SandboxSpec spec, SnapshotCallback done);
  /// Ends it, and with it the instances that were restored from it.
  virtual void dropSnapshot(const std::string& /*key*/) {}
  virtual std::string description() const = 0;
  /// Its environments keep their files, and take processes beside the function's.
  virtual bool keeps() const { return false; }
};

/// Processes without isolation: descriptors are limited, memory, files and network are not.
std::unique_ptr<InstanceHost> makePlainHost(net::Loop& loop);

/// Sandboxes of the spawner; `allow_none` goes on where this machine offers no isolation.
Result<std::unique_ptr<InstanceHost>> makeSandboxHost(net::Loop& loop, const sandbox::SpawnerOptions& options);

}  // namespace lectern::engine
