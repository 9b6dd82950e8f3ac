#pragma once
// One environment of a function version. Its processes come and go (a crash or a timeout resets them inside the next
// invocation, as Lambda does); the instance stays until the scheduler stops it.
//
//   start() -> owner.instanceReady() -> run(invocation) -> owner.instanceFinished() -> run(...) ... -> stop()
//
// The process side: nothing runs -> spawning -> starting (until its first GET next) -> parked -> running -> responded
// -> parked ...

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "contract/limits.h"
#include "contract/names.h"
#include "engine/instance/extensions.h"
#include "engine/instance/host.h"
#include "engine/instance/invocation.h"
#include "engine/instance/log_store.h"
#include "engine/instance/response_stream.h"
#include "net/http_server.h"

namespace lectern::engine {

class Instance;

/// What a finished invocation used.
struct Completion {
  Nanos duration{0};
  std::optional<Nanos> init, restore;
  int64_t billed_ms = 0;
  int max_memory_mb = 0;
  std::string status;  // "", "timeout" or "error"
  std::string error_type;
  bool failed = false;     // the caller got an error, the function's own or the platform's
  bool responded = false;  // instanceResponded() was called for it
};

class InstanceOwner {
 public:
  virtual ~InstanceOwner() = default;
  /// Can take an invocation (perhaps with its init still to be repeated inside it).
  virtual void instanceReady(Instance& instance) = 0;
  /// The answer is out, the function has not asked for more yet.
  virtual void instanceResponded(Instance& instance) = 0;
  virtual void instanceFinished(Instance& instance, Invocation& invocation, const Completion& completion) = 0;
  /// Cannot be used any more.
  virtual void instanceGone(Instance& instance) = 0;
};

struct InstanceContext {
  net::Loop& loop;
  InstanceHost& host;
  LogStore& logs;
  InstanceOwner& owner;
  contract::Place place;
  contract::Limits limits;
  metering::Rules rules;
};

class Instance {
 public:
  Instance(const InstanceContext& context, VersionPtr version, scheduling::InstanceId id, bool provisioned);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  scheduling::InstanceId id() const { return id_; }
  const FunctionVersion& version() const { return *version_; }
  bool responding() const { return state_ == State::kResponded; }
  std::string_view stateName() const;
  int pid() const { return environment_ ? environment_->pid() : 0; }

  void start();
  /// Init takes longer than it may: it is given up and repeated inside the first invocation.
  void abortInit();
  void run(Invocation* invocation);
  /// The invocation ran out of time: answered, and the processes end.
  void timeOut();
  /// Of an instance that is to go: when it has extensions to tell, `done` is called after that (at most two seconds
  /// later), and the instance must live until then. False: nothing to wait for, and `done` is not called. Either way its
  /// owner hears no more of it, and it forgets the invocation it worked on.
  bool stop(std::function<void()> done);

 private:
  enum class State { kNothing, kSpawning, kStarting, kParked, kRunning, kResponded };
  struct Failed {
    std::string type, text;  // of the platform's sentence
    net::Body body;          // the runtime's own words instead
    std::string content_type = "application/json";
  };

  static constexpr std::string_view kRestoreFailed = "Runtime.AfterRestoreError";

  // processes.cpp
  void spawn();
  std::vector<std::string> variables() const;
  void spawned(Result<std::unique_ptr<Environment>> environment);
  void serve();
  void startProcesses();
  void startRuntime();
  void startSlot(int slot, std::vector<std::string> env, std::vector<std::string> command);
  void environmentEnded(const sandbox::ExitInfo& info);
  void slotEnded(int slot, const sandbox::ExitInfo& info);
  void processEnded(const sandbox::ExitInfo& info);
  void extensionFailed(std::string type, std::string text);
  void extensionsProgress();
  void tellExtensions();
  void reset(std::string_view reason = "failure");
  void tellEnd();
  void clear();
  void cleared();
  void closeOutputs();
  void dropEnvironment();
  // instance.cpp
  int64_t deadlineMillis() const;
  void initFailed(Failed failed);
  void initDone();
  void refuseSnapshot(contract::ApiError error);
  void limitRestore();
  void deliver();
  void fail(const Failed& failed, std::string_view status);
  void finish(std::string_view status, std::string_view error_type);
  void rest();
  void freezeAt(SteadyTime when);
  // instance_log.cpp
  void readOutput();
  void readFrom(Fd& output);
  void logText(std::string_view text);
  void logStart();
  void logEnd(const Completion& completion);
  void logInit(std::string_view status, std::string_view error_type);
  void logRestoreStart(const std::string& why_ordinary);
  void logRestored(Nanos took);
  std::string takeTail();
  // runtime_api.cpp
  void onHead(const std::shared_ptr<net::Exchange>& exchange);
  void onRequest(std::shared_ptr<net::Exchange> exchange);
  void onNext(std::shared_ptr<net::Exchange> exchange);
  void onResponse(std::shared_ptr<net::Exchange> exchange, std::string_view id);
  void onStreamed(std::shared_ptr<net::Exchange> exchange);
  void onError(std::shared_ptr<net::Exchange> exchange, std::string_view id);
  void onInitError(std::shared_ptr<net::Exchange> exchange, bool after_restore);
  bool refuse(net::Exchange& exchange, std::string_view id, std::string_view wanted);
  void respondTo(Outcome outcome);
  void noteResponded();
  std::string_view apiState() const;

  InstanceContext context_;
  VersionPtr version_;
  scheduling::InstanceId id_;
  bool provisioned_;
  State state_ = State::kNothing;
  bool init_in_invocation_ = false;
  bool first_init_ = true;
  bool quota_set_ = false;
  bool frozen_ = false;
  bool restored_ = false;  // its processes come from a snapshot
  bool responded_ = false;
  bool failed_ = false;
  std::unique_ptr<Environment> environment_;
  uint64_t environment_number_ = 0;  // late news of an earlier one is ignored
  bool environment_gone_ = false;    // it has ended by itself
  Fd listener_;                      // of the Runtime API, while nobody serves it
  std::unique_ptr<net::HttpServer> api_;
  std::vector<std::string> extension_names_;
  Extensions extensions_;
  std::map<int, Fd> extension_outputs_;
  bool runtime_alive_ = false;  // the function's process is there
  bool runtime_ready_ = false;  // and has ended its init; extensions may not have
  bool delivered_ = false;      // the event has been handed to it
  bool runtime_back_ = false;   // it has asked for more; extensions may still be busy with the invocation
  // The end of the processes in a kept environment.
  bool clearing_ = false;
  std::shared_ptr<net::Exchange> left_;  // a poll of a process that is being ended
  std::string shutdown_reason_;
  int64_t shutdown_ends_ms_ = 0;
  uint64_t shutdown_timer_ = 0, term_timer_ = 0;
  std::function<void()> stopped_;
  std::shared_ptr<net::Exchange> parked_;
  Invocation* invocation_ = nullptr;
  std::optional<Outcome> held_;  // an answer that waits for the end of its log
  ResponseStream stream_;

  std::unique_ptr<LogStream> log_;
  Fd output_;
  std::string tail_;
  SteadyTime init_started_, run_started_, resting_since_;
  std::optional<Nanos> init_duration_, restore_duration_;  // to be reported with the next invocation
  Bytes memory_peak_;
  uint64_t freeze_timer_ = 0;
  uint64_t generation_ = 0;  // counts processes; late news of an earlier one is ignored
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lectern::engine
