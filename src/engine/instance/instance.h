#pragma once
// One environment of a function version. Its processes come and go (a crash or a timeout resets them inside the next
// invocation, as Lambda does); the instance stays until the scheduler stops it.
//
//   start() -> owner.instanceReady() -> run(invocation) -> owner.instanceFinished() -> run(...) ... -> stop()
//
// The process side: nothing runs -> spawning -> starting (until its first GET next) -> parked -> running -> responded
// -> parked ...

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "contract/limits.h"
#include "contract/names.h"
#include "engine/instance/host.h"
#include "engine/instance/invocation.h"
#include "engine/instance/log_store.h"
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

 private:
  enum class State { kNothing, kSpawning, kStarting, kParked, kRunning, kResponded };
  struct Failed {
    std::string type, text;  // of the platform's sentence
    net::Body body;          // the runtime's own words instead
    std::string content_type = "application/json";
  };

  static constexpr std::string_view kRestoreFailed = "Runtime.AfterRestoreError";

  // instance.cpp
  void spawn();
  void spawned(Result<std::unique_ptr<Environment>> environment);
  void processEnded(const sandbox::ExitInfo& info);
  void initFailed(Failed failed);
  void initDone();
  void refuseSnapshot(contract::ApiError error);
  void limitRestore();
  void deliver();
  void fail(const Failed& failed, std::string_view status);
  void finish(std::string_view status, std::string_view error_type);
  void reset();
  void rest();
  // instance_log.cpp
  void readOutput();
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
  std::unique_ptr<Environment> environment_;
  std::unique_ptr<net::HttpServer> api_;
  std::shared_ptr<net::Exchange> parked_;
  Invocation* invocation_ = nullptr;
  std::optional<Outcome> held_;  // an answer that waits for the end of its log
  // A streamed answer in progress.
  std::string stream_id_;
  std::string streamed_;
  uint64_t streamed_size_ = 0;
  bool stream_begun_ = false;

  std::unique_ptr<LogStream> log_;
  Fd output_;
  std::string tail_;
  SteadyTime init_started_, run_started_;
  std::optional<Nanos> init_duration_, restore_duration_;  // to be reported with the next invocation
  Bytes memory_peak_;
  uint64_t freeze_timer_ = 0;
  uint64_t generation_ = 0;  // counts processes; late news of an earlier one is ignored
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lectern::engine
