#include "engine/instance/instance.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <utility>

#include "base/check.h"
#include "engine/instance/environment.h"

namespace lectern::engine {

namespace {
/// A function that asks for its next event at once goes on unfrozen: freezing costs more than a short invocation.
constexpr Nanos kFreezeAfter = Millis(2);
}  // namespace

Instance::Instance(const InstanceContext& context, VersionPtr version, scheduling::InstanceId id, bool provisioned)
    : context_(context), version_(std::move(version)), id_(id), provisioned_(provisioned) {
  std::string group = version_->log_group.empty() ? contract::logGroup(version_->name) : version_->log_group;
  log_ = context_.logs.open(group, version_->version);
}

Instance::~Instance() {
  *alive_ = false;
  context_.loop.cancel(freeze_timer_);
  parked_.reset();
  reset();
}

std::string_view Instance::stateName() const {
  switch (state_) {
    case State::kNothing:
      return "reset";
    case State::kSpawning:
    case State::kStarting:
      return "starting";
    case State::kParked:
      return frozen_ ? "frozen" : "idle";
    default:
      return "busy";
  }
}

void Instance::start() { spawn(); }

void Instance::spawn() {
  state_ = State::kSpawning;
  ++generation_;
  init_started_ = context_.loop.now();
  quota_set_ = false;
  restored_ = false;
  sandbox::SandboxSpec spec = sandboxSpecOf(*version_, context_.limits);
  spec.id = fmt::format("i{}-{}", uint64_t(id_), generation_);
  spec.env =
      environmentOf(*version_, context_.place, log_->name(), provisioned_ ? "provisioned-concurrency" : "on-demand");
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
  context_.host.spawn(std::move(spec), [this, alive = alive_, generation = generation_](auto environment) {
    if (*alive && generation == generation_ && state_ == State::kSpawning) spawned(std::move(environment));
  });
}

void Instance::spawned(Result<std::unique_ptr<Environment>> environment) {
  if (!environment) {
    initFailed({std::string(contract::error_type::kInvalidEntrypoint), environment.error().message, {}});
    return;
  }
  environment_ = std::move(*environment);
  state_ = State::kStarting;
  net::ServerOptions options;
  options.body_limit = uint64_t(context_.limits.response_payload.value);
  options.report_truncated = true;
  api_ = std::make_unique<net::HttpServer>(
      context_.loop, options, [this](std::shared_ptr<net::Exchange> exchange) { onRequest(std::move(exchange)); },
      [this](const std::shared_ptr<net::Exchange>& exchange) { onHead(exchange); });
  api_->adopt(environment_->takeApiListener());
  output_ = environment_->takeOutput();
  if (output_.valid()) context_.loop.watchReadable(output_.get(), [this] { readOutput(); });
  environment_->onExit([this, alive = alive_, generation = generation_](const sandbox::ExitInfo& info) {
    if (!*alive || generation != generation_) return;
    // Words that the process sent before it ended are read first.
    context_.loop.after(Nanos(0), [this, alive, generation, info] {
      if (*alive && generation == generation_) processEnded(info);
    });
  });
  if (invocation_) {
    environment_->setCpuQuota(contract::cpuShare(context_.limits, version_->memory_mb));
    quota_set_ = true;
    if (restored_) limitRestore();
  }
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
  bool starting = state_ == State::kStarting;
  bool responded = state_ == State::kResponded;
  reset();
  if (starting) return initFailed(std::move(failed));
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

/// Init did not come to its end. Outside an invocation it is repeated once, inside the first one.
void Instance::initFailed(Failed failed) {
  if (!invocation_) {
    logInit("error", failed.type.empty() ? "Runtime.Unknown" : failed.type);
    reset();
    first_init_ = false;
    if (provisioned_) {
      context_.owner.instanceGone(*this);
    } else {
      context_.owner.instanceReady(*this);
    }
    return;
  }
  bool restore_failed = restored_ && failed.type == kRestoreFailed;
  reset();
  if (restore_failed) {
    return refuseSnapshot({400, "SnapStartException",
                           "The afterRestore() runtime hook encountered an error. For more information, check the "
                           "Amazon CloudWatch logs."});
  }
  fail(failed, "error");
}

/// The invocation cannot run, since its environment could not be restored.
void Instance::refuseSnapshot(contract::ApiError error) {
  Outcome outcome;
  std::string type = error.name;
  outcome.refused = std::move(error);
  respondTo(std::move(outcome));
  finish("error", type);
}

/// A restore, hooks included, has as long as an init.
void Instance::limitRestore() {
  context_.loop.after(context_.limits.init_timeout, [this, alive = alive_, generation = generation_] {
    if (!*alive || generation != generation_ || state_ != State::kStarting || !invocation_) return;
    logInit("timeout", "");
    reset();
    refuseSnapshot({408, "SnapStartTimeoutException",
                    "Lambda couldn't restore the snapshot within the timeout limit."});
  });
}

void Instance::abortInit() {
  if (state_ != State::kSpawning && state_ != State::kStarting) return;
  logInit("timeout", "");
  reset();
  first_init_ = false;
  context_.owner.instanceReady(*this);
}

void Instance::initDone() {
  Nanos took = context_.loop.now() - init_started_;
  state_ = State::kParked;
  if (restored_) logRestored(took);
  if (invocation_) {
    first_init_ = false;
    return deliver();
  }
  if (first_init_ && !provisioned_) (restored_ ? restore_duration_ : init_duration_) = took;
  first_init_ = false;
  rest();
  context_.owner.instanceReady(*this);
}

void Instance::run(Invocation* invocation) {
  CHECK(invocation_ == nullptr);
  invocation_ = invocation;
  run_started_ = context_.loop.now();
  tail_.clear();
  logStart();
  if (state_ == State::kParked) return deliver();
  init_duration_.reset();
  restore_duration_.reset();
  spawn();
}

/// Hands the invocation to the process that is parked on GET next.
void Instance::deliver() {
  context_.loop.cancel(freeze_timer_);
  freeze_timer_ = 0;
  if (frozen_) {
    environment_->thaw();
    frozen_ = false;
  }
  if (!quota_set_) {
    environment_->setCpuQuota(contract::cpuShare(context_.limits, version_->memory_mb));
    quota_set_ = true;
  }
  state_ = State::kRunning;
  stream_begun_ = false;
  auto exchange = std::move(parked_);
  if (!exchange || exchange->closed()) return;  // it asks again, or it ends
  net::Response response;
  response.body = invocation_->payload;
  auto& headers = response.headers;
  headers.add("Content-Type", "application/json");
  headers.add("Lambda-Runtime-Aws-Request-Id", invocation_->request_id);
  auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) headers.add(name, value);
  };
  add("Lambda-Runtime-Trace-Id", invocation_->trace_id);
  add("Lambda-Runtime-Client-Context", invocation_->client_context);
  add("Lambda-Runtime-Cognito-Identity", invocation_->cognito_identity);
  add("Lambda-Runtime-Invoked-Function-Arn", invocation_->invoked_arn);
  add("Lambda-Runtime-Aws-Tenant-Id", invocation_->tenant_id);
  int64_t left = int64_t(version_->timeout_s) * 1000 - (context_.loop.now() - run_started_).count() / 1'000'000;
  char digits[24];
  auto end = fmt::format_to(digits, "{}", context_.loop.clock().wall().epoch_millis + left);
  headers.add("Lambda-Runtime-Deadline-Ms", std::string_view(digits, size_t(end - digits)));
  exchange->respond(std::move(response));
}

void Instance::timeOut() {
  if (!invocation_) return;
  readOutput();
  if (environment_) {
    Bytes peak = environment_->memoryPeak();
    if (peak > memory_peak_) memory_peak_ = peak;
  }
  std::string text = fmt::format("Task timed out after {}.00 seconds", version_->timeout_s);
  logText(fmt::format("{} {} {}\n\n", formatIso(context_.loop.clock().wall()), invocation_->request_id, text));
  reset();
  Outcome outcome;
  outcome.function_error = true;
  outcome.error_type = contract::error_type::kTimeout;
  outcome.payload =
      net::makeBody(contract::functionErrorBody(contract::error_type::kTimeout, invocation_->request_id, text));
  respondTo(std::move(outcome));
  finish("timeout", "");
}

void Instance::fail(const Failed& failed, std::string_view status) {
  Outcome outcome;
  outcome.function_error = true;
  outcome.error_type = failed.type;
  if (failed.body) {
    outcome.payload = failed.body;
    outcome.content_type = failed.content_type;
  } else {
    outcome.payload = net::makeBody(contract::functionErrorBody(failed.type, invocation_->request_id, failed.text));
    logText(fmt::format("RequestId: {} Error: {}\n{}\n", invocation_->request_id, failed.text, failed.type));
  }
  respondTo(std::move(outcome));
  finish(status, failed.type);
}

/// Gives the caller its answer; one that wants the log gets it with the log's last line.
void Instance::respondTo(Outcome outcome) {
  outcome.executed_version = version_->version;
  if (invocation_->want_log) {
    if (!held_) held_ = std::move(outcome);
  } else {
    invocation_->answer(std::move(outcome));
  }
}

void Instance::finish(std::string_view status, std::string_view error_type) {
  readOutput();
  Completion completion;
  completion.duration = context_.loop.now() - run_started_;
  completion.init = init_duration_;
  init_duration_.reset();
  metering::Usage usage;
  usage.duration = completion.duration;
  usage.init = completion.init;
  completion.restore = std::exchange(restore_duration_, std::nullopt);
  usage.restore = completion.restore;
  usage.packaging = version_->packaging;
  usage.start = provisioned_ ? metering::Start::kProvisioned
                : restored_  ? metering::Start::kSnapshot
                             : metering::Start::kOnDemand;
  completion.billed_ms = metering::billedMillis(context_.rules, usage);
  if (environment_) {
    Bytes peak = environment_->memoryPeak();
    if (peak > memory_peak_) memory_peak_ = peak;
  }
  completion.max_memory_mb = int((memory_peak_.value + (1 << 20) - 1) >> 20);
  if (completion.max_memory_mb > version_->memory_mb) completion.max_memory_mb = version_->memory_mb;
  completion.status = status;
  completion.error_type = error_type;
  completion.responded = std::exchange(responded_, false);
  logEnd(completion);
  Invocation* invocation = std::exchange(invocation_, nullptr);
  if (held_) {
    Outcome outcome = std::move(*held_);
    held_.reset();
    outcome.log = takeTail();
    invocation->answer(std::move(outcome));
  }
  rest();
  context_.owner.instanceFinished(*this, *invocation, completion);
}

/// Ends the processes. What belongs to them may be on the stack, so it goes a little later.
void Instance::reset() {
  state_ = State::kNothing;
  ++generation_;
  frozen_ = false;
  context_.loop.cancel(freeze_timer_);
  freeze_timer_ = 0;
  parked_.reset();
  stream_id_.clear();
  if (output_.valid()) context_.loop.unwatch(output_.get());
  output_.close();
  if (api_) api_->stopListening();
  context_.loop.defer([api = std::shared_ptr<net::HttpServer>(std::move(api_)),
                       environment = std::shared_ptr<Environment>(std::move(environment_))] {});
}

/// Freezes the processes soon, unless work comes.
void Instance::rest() {
  if (state_ != State::kParked || freeze_timer_ != 0) return;
  freeze_timer_ = context_.loop.after(kFreezeAfter, [this] {
    freeze_timer_ = 0;
    if (state_ != State::kParked || !environment_ || invocation_) return;
    environment_->freeze();
    frozen_ = true;
  });
}

}  // namespace lectern::engine
