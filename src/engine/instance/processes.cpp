// The processes of an environment: started, started anew after a reset with the files kept, told of their end, ended.

#include <fmt/core.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "engine/instance/environment.h"
#include "engine/instance/instance.h"

namespace lectern::engine {

namespace {

// What the end of an environment may take: with programs of its own beside the function's, and with agents inside it
// only. The function's process has this share of the first.
constexpr Nanos kExternalEnd = Seconds(2), kInternalEnd = Millis(500);
constexpr int kRuntimeShare = 30;  // percent

/// Whoever still waits in the backlog of a listener belongs to processes that have ended.
void drain(const Fd& listener) {
  for (;;) {
    Fd old(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!old.valid()) return;
  }
}

}  // namespace

void Instance::spawn() {
  state_ = State::kSpawning;
  ++generation_;
  init_started_ = context_.loop.now();
  quota_set_ = false;
  restored_ = false;
  runtime_ready_ = runtime_back_ = false;
  if (environment_) {
    // What was before is still on its way out; cleared() goes on then.
    if (!clearing_) startProcesses();
    return;
  }
  sandbox::SandboxSpec spec = sandboxSpecOf(*version_, context_.limits);
  spec.id = fmt::format("i{}-{}", uint64_t(id_), generation_);
  spec.env = variables();
  // One that a snapshot is wanted for is started anew as a whole: there may be a snapshot by then.
  spec.keep = context_.host.keeps() && !version_->snap_start;
  if (version_->snap_start) {
    context_.host.restore(snapshotKey(*version_), std::move(spec),
                          [this, alive = alive_, generation = generation_](Result<StartedEnvironment> started) {
                            if (!*alive || generation != generation_ || state_ != State::kSpawning) return;
                            if (!started) return spawned(Failure(started.error()));
                            restored_ = started->restored;
                            logRestoreStart(started->why_ordinary);
                            spawned(std::move(started->environment));
                          });
    return;
  }
  spec.waiting = !extension_names_.empty();
  context_.host.spawn(std::move(spec), [this, alive = alive_, generation = generation_](auto environment) {
    if (*alive && generation == generation_ && state_ == State::kSpawning) spawned(std::move(environment));
  });
}

std::vector<std::string> Instance::variables() const {
  return environmentOf(*version_, context_.place, log_->name(), provisioned_ ? "provisioned-concurrency" : "on-demand");
}

void Instance::spawned(Result<std::unique_ptr<Environment>> environment) {
  if (!environment) {
    initFailed({std::string(contract::error_type::kInvalidEntrypoint), environment.error().message, {}});
    return;
  }
  environment_ = std::move(*environment);
  environment_gone_ = false;
  uint64_t number = ++environment_number_;
  environment_->onExit([this, alive = alive_, number](const sandbox::ExitInfo& info) {
    if (!*alive) return;
    // Words that the process sent before it ended are read first.
    context_.loop.after(Nanos(0), [this, alive, number, info] {
      if (*alive && number == environment_number_) environmentEnded(info);
    });
  });
  environment_->onProcess([this, alive = alive_, number](int slot, const sandbox::ExitInfo& info) {
    if (!*alive) return;
    context_.loop.after(Nanos(0), [this, alive, number, slot, info] {
      if (*alive && number == environment_number_) slotEnded(slot, info);
    });
  });
  environment_->onCleared([this, alive = alive_, number] {
    if (!*alive) return;
    context_.loop.after(Nanos(0), [this, alive, number] {
      if (*alive && number == environment_number_) cleared();
    });
  });
  listener_ = environment_->takeApiListener();
  output_ = environment_->takeOutput();
  if (extension_names_.empty()) {
    runtime_alive_ = true;
    if (output_.valid()) context_.loop.watchReadable(output_.get(), [this] { readOutput(); });
    serve();
  } else {
    output_.close();
    startProcesses();
  }
  if (restored_ && invocation_) limitRestore();
}

/// Answers the Runtime API of processes that have just been started.
void Instance::serve() {
  state_ = State::kStarting;
  if (extension_names_.empty()) extensions_.begin({});
  net::ServerOptions options;
  options.body_limit = uint64_t(context_.limits.response_payload.value);
  options.report_truncated = true;
  options.half_closed = false;
  api_ = std::make_unique<net::HttpServer>(
      context_.loop, options, [this](std::shared_ptr<net::Exchange> exchange) { onRequest(std::move(exchange)); },
      [this](const std::shared_ptr<net::Exchange>& exchange) { onHead(exchange); });
  api_->adopt(std::move(listener_));
  if (invocation_) {
    environment_->setCpuQuota(contract::cpuShare(context_.limits, version_->memory_mb));
    quota_set_ = true;
  }
}

/// In an environment that has none: first the extensions; the function when all of these have registered.
void Instance::startProcesses() {
  serve();
  if (extension_names_.empty()) return startRuntime();
  extensions_.begin(extension_names_);
  auto given = extensionVariables(variables());
  for (size_t i = 0; i < extension_names_.size(); ++i) {
    startSlot(int(i) + 1, given, {"/opt/extensions/" + extension_names_[i]});
  }
}

void Instance::startRuntime() {
  runtime_alive_ = true;
  startSlot(0, variables(), version_->command);
}

void Instance::startSlot(int slot, std::vector<std::string> env, std::vector<std::string> command) {
  auto started = [this, alive = alive_, generation = generation_, slot](Result<Fd> output) {
    if (!*alive || generation != generation_ || !output) return;  // without one the environment ends, which tells
    Fd& kept = slot == 0 ? output_ : extension_outputs_[slot];
    kept = std::move(*output);
    context_.loop.watchReadable(kept.get(), [this, &kept] { readFrom(kept); });
  };
  environment_->startProcess(slot, std::move(env), std::move(command), std::move(started));
}

void Instance::environmentEnded(const sandbox::ExitInfo& info) {
  environment_gone_ = true;
  if (!std::exchange(clearing_, false)) return processEnded(info);
  dropEnvironment();
  if (stopped_) return std::exchange(stopped_, {})();
  if (state_ == State::kSpawning) spawn();
}

void Instance::slotEnded(int slot, const sandbox::ExitInfo& info) {
  if (slot == 0) {
    runtime_alive_ = false;
    if (!clearing_) return processEnded(info);
    if (shutdown_timer_ != 0) tellEnd();
    return;
  }
  std::string name = extensions_.ended(slot);
  if (clearing_) {
    if (shutdown_timer_ != 0 && !runtime_alive_ && !extensions_.awaitingEnd()) clear();
    return;
  }
  bool launched = info.start_error == sandbox::StartError::kNone;
  std::string how = !launched          ? fmt::format("fork/exec /opt/extensions/{}: permission denied", name)
                    : info.signal != 0 ? "signal: " + signalName(info.signal)
                                       : fmt::format("exit status {}", info.exit_status);
  extensionFailed(launched ? "Extension.Crash" : "Extension.LaunchError", how);
}

void Instance::processEnded(const sandbox::ExitInfo& info) {
  readOutput();
  if (info.memory_peak > memory_peak_) memory_peak_ = info.memory_peak;
  Failed failed{std::string(contract::error_type::kExit), "Runtime exited without providing a reason", {}};
  if (info.start_error == sandbox::StartError::kNoBootstrap) {
    failed = {std::string(contract::error_type::kInvalidEntrypoint),
              "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
              {}};
  } else if (info.start_error == sandbox::StartError::kNotExecutable) {
    failed = {
        std::string(contract::error_type::kInvalidEntrypoint), "fork/exec /var/task/bootstrap: permission denied", {}};
  } else if (info.signal != 0 || info.out_of_memory) {
    failed.text = "Runtime exited with error: signal: " + (info.out_of_memory ? "killed" : signalName(info.signal));
  } else if (info.exit_status != 0) {
    failed.text = fmt::format("Runtime exited with error: exit status {}", info.exit_status);
  }
  if (info.out_of_memory) memory_peak_ = mebibytes(version_->memory_mb);
  if (state_ == State::kStarting) return initFailed(std::move(failed));
  if (state_ == State::kRunning && !delivered_) {
    // It died while it was frozen, and has not seen the event: another process takes it.
    reset();
    return spawn();
  }
  bool responded = state_ == State::kResponded;
  reset();
  if (!invocation_) return;  // ended between invocations: the next one starts it anew
  if (responded) return finish("", "");
  std::string_view report_type = info.out_of_memory ? contract::error_type::kOutOfMemory : std::string_view{};
  if (report_type.empty()) return fail(failed, "error");
  failed.type = contract::error_type::kExit;
  Outcome outcome;
  outcome.function_error = true;
  outcome.error_type = report_type;
  outcome.payload = net::makeBody(contract::functionErrorBody(failed.type, invocation_->request_id, failed.text));
  logText(fmt::format("RequestId: {} Error: {}\n{}\n", invocation_->request_id, failed.text, report_type));
  respondTo(std::move(outcome));
  finish("error", report_type);
}

/// The whole environment is of no use any more without this extension.
void Instance::extensionFailed(std::string type, std::string text) {
  Failed failed{std::move(type), std::move(text), {}};
  if (state_ == State::kStarting) return initFailed(std::move(failed));
  if (state_ == State::kNothing) return;
  bool responded = state_ == State::kResponded;
  reset();
  if (!invocation_) return;
  if (responded) return finish("error", failed.type);
  fail(failed, "error");
}

void Instance::extensionsProgress() {
  if (state_ == State::kStarting) {
    if (!runtime_alive_ && !extension_names_.empty() && extensions_.registered()) startRuntime();
    if (runtime_ready_ && extensions_.ready()) initDone();
  } else if (state_ == State::kResponded && runtime_back_ && extensions_.idle()) {
    state_ = State::kParked;
    finish("", "");
  }
}

void Instance::tellExtensions() {
  extensions_.tellInvocation({{"eventType", "INVOKE"},
                              {"deadlineMs", deadlineMillis()},
                              {"requestId", invocation_->request_id},
                              {"invokedFunctionArn", invocation_->invoked_arn},
                              {"tracing", {{"type", "X-Amzn-Trace-Id"}, {"value", invocation_->trace_id}}}});
}

/// Ends the processes; the next invocation starts them anew. What belongs to them may be on the stack, so it goes a
/// little later. `reason` is what extensions are told: "spindown", "timeout" or "failure".
void Instance::reset(std::string_view reason) {
  state_ = State::kNothing;
  ++generation_;
  context_.loop.cancel(freeze_timer_);
  freeze_timer_ = 0;
  stream_.end();
  if (!environment_ || !environment_->keeps() || environment_gone_) return dropEnvironment();
  if (clearing_) return;
  clearing_ = true;
  left_ = std::move(parked_);
  if (std::exchange(frozen_, false)) environment_->thaw();
  if (!extensions_.any()) return clear();
  bool external = extensions_.anyExternal();
  Nanos budget = external ? kExternalEnd : kInternalEnd;
  shutdown_reason_ = reason;
  shutdown_ends_ms_ = context_.loop.clock().wall().epoch_millis + budget.count() / 1'000'000;
  shutdown_timer_ = context_.loop.after(budget, [this] { clear(); });
  if (!runtime_alive_) return tellEnd();
  environment_->signalProcess(0, SIGTERM);
  term_timer_ = context_.loop.after(external ? budget * kRuntimeShare / 100 : budget, [this] {
    term_timer_ = 0;
    environment_->signalProcess(0, SIGKILL);
  });
}

/// The function's process has ended: now the extensions are told, or end.
void Instance::tellEnd() {
  context_.loop.cancel(std::exchange(term_timer_, 0));
  for (int slot : extensions_.tellShutdown(shutdown_reason_, shutdown_ends_ms_)) {
    environment_->signalProcess(slot, SIGKILL);
  }
  if (!extensions_.awaitingEnd()) clear();
}

void Instance::clear() {
  context_.loop.cancel(std::exchange(term_timer_, 0));
  context_.loop.cancel(std::exchange(shutdown_timer_, 0));
  environment_->clear();
}

/// No process is left.
void Instance::cleared() {
  if (!std::exchange(clearing_, false)) return;
  closeOutputs();
  left_.reset();
  extensions_.end();
  listener_ = api_->takeListener();
  context_.loop.defer([api = std::shared_ptr<net::HttpServer>(std::move(api_))] {});
  drain(listener_);
  runtime_alive_ = false;
  if (stopped_) return std::exchange(stopped_, {})();
  if (state_ == State::kSpawning) startProcesses();
}

void Instance::closeOutputs() {
  readOutput();
  auto end = [this](Fd& fd) {
    if (fd.valid()) context_.loop.unwatch(fd.get());
    fd.close();
  };
  end(output_);
  for (auto& [slot, fd] : extension_outputs_) end(fd);
}

void Instance::dropEnvironment() {
  ++environment_number_;
  clearing_ = frozen_ = runtime_alive_ = false;
  context_.loop.cancel(std::exchange(term_timer_, 0));
  context_.loop.cancel(std::exchange(shutdown_timer_, 0));
  parked_.reset();
  left_.reset();
  extensions_.end();
  closeOutputs();
  listener_.close();
  if (api_) api_->stopListening();
  context_.loop.defer([api = std::shared_ptr<net::HttpServer>(std::move(api_)),
                       environment = std::shared_ptr<Environment>(std::move(environment_))] {});
}

bool Instance::stop(std::function<void()> done) {
  bool telling = clearing_ && shutdown_timer_ != 0;
  // What its processes have said already may arrive before it goes, and its invocation be over by then: nothing comes of it.
  invocation_ = nullptr;
  state_ = State::kNothing;
  stream_.end();
  if (!telling && (!environment_ || !environment_->keeps() || clearing_ || !extensions_.any())) return false;
  stopped_ = std::move(done);
  if (!telling) reset("spindown");
  return true;
}

}  // namespace lectern::engine
