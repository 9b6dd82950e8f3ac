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
    : context_(context),
      version_(std::move(version)),
      id_(id),
      provisioned_(provisioned),
      extensions_({version_->name, version_->version, version_->handler, context_.place.account},
                  {[this] { extensionsProgress(); },
                   [this](std::string type, std::string text) { extensionFailed(std::move(type), std::move(text)); }}),
      stream_(context_.loop, context_.limits) {
  std::string group = version_->log_group.empty() ? contract::logGroup(version_->name) : version_->log_group;
  log_ = context_.logs.open(group, version_->version);
  auto programs = Extensions::programsOf(version_->layer_dirs);
  if (programs.size() > Extensions::kMost) programs.resize(Extensions::kMost);
  if (!programs.empty() && (version_->snap_start || !context_.host.keeps())) {
    logText("LECTERN Extensions are not started in environments without isolation or from a snapshot.\n");
  } else {
    extension_names_ = std::move(programs);
  }
}

Instance::~Instance() {
  *alive_ = false;
  context_.loop.cancel(freeze_timer_);
  dropEnvironment();
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
  if (state_ == State::kSpawning || state_ == State::kStarting) logInit("error", failed.type);
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
  extensions_.closeRegistration();
  if (extensions_.any()) logText(extensions_.logLines());
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
  init_in_invocation_ = state_ != State::kParked;
  if (!init_in_invocation_) return deliver();
  init_duration_.reset();
  restore_duration_.reset();
  spawn();
}

/// When the invocation has to be done, epoch time.
int64_t Instance::deadlineMillis() const {
  int64_t left = int64_t(version_->timeout_s) * 1000 - (context_.loop.now() - run_started_).count() / 1'000'000;
  return context_.loop.clock().wall().epoch_millis + left;
}

/// Hands the invocation to the process that is parked on GET next.
void Instance::deliver() {
  if (frozen_) {
    environment_->thaw();
    frozen_ = false;
  }
  if (!quota_set_) {
    environment_->setCpuQuota(contract::cpuShare(context_.limits, version_->memory_mb));
    quota_set_ = true;
  }
  state_ = State::kRunning;
  delivered_ = false;
  runtime_back_ = false;
  if (extensions_.any()) tellExtensions();
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
  char digits[24];
  auto end = fmt::format_to(digits, "{}", deadlineMillis());
  headers.add("Lambda-Runtime-Deadline-Ms", std::string_view(digits, size_t(end - digits)));
  delivered_ = true;
  exchange->respond(std::move(response));
}

void Instance::timeOut() {
  if (!invocation_) return;
  readOutput();
  if (environment_) {
    Bytes peak = environment_->memoryPeak();
    if (peak > memory_peak_) memory_peak_ = peak;
  }
  if (state_ == State::kSpawning || state_ == State::kStarting) logInit("timeout", "");
  std::string text = fmt::format("Task timed out after {}.00 seconds", version_->timeout_s);
  logText(fmt::format("{} {} {}\n\n", formatIso(context_.loop.clock().wall()), invocation_->request_id, text));
  reset("timeout");
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
  stream_.end();
  failed_ = outcome.function_error || outcome.refused;
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
  completion.failed = std::exchange(failed_, false);
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

/// Freezes the processes soon, unless work comes. The timer goes on when it does: one that is set and cancelled for every
/// invocation would cost more than one that now and then fires in vain.
void Instance::rest() {
  if (state_ != State::kParked) return;
  resting_since_ = context_.loop.now();
  if (freeze_timer_ == 0) freezeAt(resting_since_ + kFreezeAfter);
}

void Instance::freezeAt(SteadyTime when) {
  freeze_timer_ = context_.loop.at(when, [this] {
    freeze_timer_ = 0;
    if (state_ != State::kParked || !environment_ || invocation_) return;
    if (context_.loop.now() < resting_since_ + kFreezeAfter) return freezeAt(resting_since_ + kFreezeAfter);
    environment_->freeze();
    frozen_ = true;
  });
}

}  // namespace lectern::engine
