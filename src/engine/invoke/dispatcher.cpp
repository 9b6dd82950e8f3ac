#include "engine/invoke/dispatcher.h"

#include <algorithm>

#include "base/check.h"
#include "engine/instance/environment.h"

namespace lectern::engine {

using scheduling::Action;
using scheduling::Actions;

namespace {
/// How long a new invocation waits for an instance that has just answered, before another one is started for it.
constexpr Nanos kHold = Millis(3);
}  // namespace

Dispatcher::Dispatcher(net::Loop& loop, InstanceHost& host, LogStore& logs, const DispatcherOptions& options)
    : loop_(loop),
      context_{loop, host, logs, *this, options.place, options.limits, options.rules},
      snapshots_(context_),
      options_(options),
      scheduler_(options.account) {}

Dispatcher::~Dispatcher() {
  loop_.cancel(timer_);
  for (auto& version : versions_) loop_.cancel(version.held_timer);
}

scheduling::FunctionId Dispatcher::addFunction(std::optional<int> reserved) {
  return scheduler_.addFunction(reserved);
}

void Dispatcher::setReserved(scheduling::FunctionId function, std::optional<int> reserved) {
  Actions actions;
  scheduler_.setReserved(function, reserved, loop_.now(), actions);
  apply(actions);
}

scheduling::VersionConfig Dispatcher::configOf(const FunctionVersion& version, int provisioned) const {
  scheduling::VersionConfig config;
  config.memory_mb = version.memory_mb;
  config.provisioned = provisioned;
  config.timeout = Seconds(version.timeout_s);
  config.init_timeout = options_.limits.init_timeout;
  config.keep_alive = options_.keep_alive;
  return config;
}

VersionPtr Dispatcher::addVersion(scheduling::FunctionId function, FunctionVersion version, int provisioned) {
  Actions actions;
  auto config = configOf(version, provisioned);
  scheduling::VersionId id = scheduler_.addVersion(function, config, loop_.now(), actions);
  CHECK(size_t(id) == versions_.size());
  version.id = id;
  auto shared = std::make_shared<const FunctionVersion>(std::move(version));
  versions_.emplace_back();
  versions_.back().version = shared;
  auto& totals = totals_[shared->name + ":" + shared->version];
  if (!totals) totals = std::make_shared<VersionTotals>();
  versions_.back().totals = totals;
  versions_.back().config = config;
  if (shared->snap_start) snapshots_.want(shared);
  if (canBootAhead(*shared)) context_.host.prepareBoot(bootSpecOf(*shared, options_.limits));
  apply(actions);
  return shared;
}

void Dispatcher::setProvisioned(scheduling::VersionId id, int provisioned) {
  Version& version = versionOf(id);
  version.config.provisioned = provisioned;
  Actions actions;
  scheduler_.updateVersion(id, version.config, loop_.now(), actions);
  apply(actions);
}

int Dispatcher::readyInstances(scheduling::VersionId id) const {
  auto counts = scheduler_.counts(id);
  return counts.idle + counts.busy;
}

void Dispatcher::retireVersion(scheduling::VersionId id) {
  auto counts = scheduler_.counts(id);
  if (counts.starting > 0 || counts.queued > 0) {
    loop_.after(Millis(200), [this, id] { retireVersion(id); });
    return;
  }
  Actions actions;
  scheduler_.retireVersion(id, loop_.now(), actions);
  Version& version = versionOf(id);
  version.retired = true;
  release(version, true);
  apply(actions);
  if (version.instances == 0) snapshots_.drop(*version.version);
}

int64_t Dispatcher::invocations(scheduling::VersionId id) const {
  return versions_[size_t(id)].invocations;
}

const VersionTotals& Dispatcher::totals(scheduling::VersionId version) const {
  return *versions_[size_t(version)].totals;
}

std::vector<Dispatcher::InstanceView> Dispatcher::instances() const {
  std::vector<InstanceView> out;
  for (auto& [id, instance] : instances_) {
    auto& version = instance->version();
    out.push_back(
        {version.name, version.version, std::string(instance->stateName()), version.memory_mb, instance->pid()});
  }
  return out;
}

void Dispatcher::invoke(std::unique_ptr<Invocation> invocation) {
  uint64_t id = next_invocation_++;
  invocation->id = id;
  invocation->arrived = loop_.now();
  Version& version = versionOf(invocation->version->id);
  invocations_.emplace(id, std::move(invocation));
  ++version.totals->invocations;
  ++version.invocations;
  if (version.responded > int(version.held.size()) && scheduler_.counts(version.version->id).idle == 0) {
    // An instance will be free in some microseconds: its process has only to ask for more.
    version.held.push_back(id);
    if (version.held_timer == 0) {
      version.held_timer = loop_.after(kHold, [this, version_id = version.version->id] {
        Version& late = versionOf(version_id);
        late.held_timer = 0;
        release(late, true);
      });
    }
    return;
  }
  submit(id);
}

void Dispatcher::submit(uint64_t id) {
  auto it = invocations_.find(id);
  if (it == invocations_.end()) return;
  Actions actions;
  if (!spare_.empty()) {
    actions = std::move(spare_.back());
    spare_.pop_back();
  }
  scheduler_.invoke(it->second->version->id, id, loop_.now(), actions);
  apply(actions);
  actions.clear();
  spare_.push_back(std::move(actions));
}

void Dispatcher::release(Version& version, bool all) {
  while (!version.held.empty()) {
    uint64_t id = version.held.front();
    version.held.pop_front();
    submit(id);
    if (!all) break;
  }
  if (version.held.empty() && version.held_timer != 0) {
    loop_.cancel(version.held_timer);
    version.held_timer = 0;
  }
}

void Dispatcher::apply(Actions& actions) {
  for (size_t i = 0; i < actions.size(); ++i) applyOne(actions[i]);
  armTimer();
}

void Dispatcher::applyOne(const Action& action) {
  uint64_t key = uint64_t(action.instance);
  switch (action.kind) {
    case Action::Kind::kStart: {
      auto instance =
          std::make_unique<Instance>(context_, versionOf(action.version).version, action.instance, action.provisioned);
      Instance& started = *instance;
      ++versionOf(action.version).instances;
      instances_.emplace(key, std::move(instance));
      started.start();
      return;
    }
    case Action::Kind::kDispatch: {
      auto instance = instances_.find(key);
      auto invocation = invocations_.find(action.invocation);
      CHECK(instance != instances_.end() && invocation != invocations_.end());
      invocation->second->cold = action.cold;
      if (action.cold) ++versionOf(action.version).totals->cold;
      instance->second->run(invocation->second.get());
      return;
    }
    case Action::Kind::kStop:
      return remove(action.instance);
    case Action::Kind::kThrottle:
      ++versionOf(action.version).totals->throttles;
      return refuse(action.invocation, contract::throttled(std::string(scheduling::reasonName(action.reason))));
    case Action::Kind::kFail:
      return failLost(action.invocation, action.reason);
    case Action::Kind::kTimeout: {
      auto instance = instances_.find(key);
      ++versionOf(action.version).totals->timeouts;
      if (instance != instances_.end()) instance->second->timeOut();
      return;
    }
    case Action::Kind::kInitTimeout: {
      auto instance = instances_.find(key);
      if (instance != instances_.end()) instance->second->abortInit();
      return;
    }
  }
}

void Dispatcher::remove(scheduling::InstanceId id) {
  auto it = instances_.find(uint64_t(id));
  if (it == instances_.end()) return;
  Version& version = versionOf(it->second->version().id);
  // Its restored instances would end with a snapshot, so it stays as long as the last of them.
  if (--version.instances == 0 && version.retired) snapshots_.drop(*version.version);
  std::shared_ptr<Instance> instance = std::move(it->second);
  instances_.erase(it);
  auto* leaving = instance.get();
  // It may be on the stack.
  auto drop = [this, leaving] {
    auto found = leaving_.find(leaving);
    if (found == leaving_.end()) return;
    loop_.defer([instance = std::move(found->second)] {});
    leaving_.erase(found);
  };
  if (leaving->stop(drop)) {
    leaving_.emplace(leaving, std::move(instance));
  } else {
    loop_.defer([instance = std::move(instance)] {});
  }
}

void Dispatcher::refuse(uint64_t id, contract::ApiError error) {
  auto it = invocations_.find(id);
  if (it == invocations_.end()) return;
  auto invocation = std::move(it->second);
  invocations_.erase(it);
  Outcome outcome;
  outcome.refused = std::move(error);
  invocation->answer(std::move(outcome));
}

void Dispatcher::failLost(uint64_t id, scheduling::Reason reason) {
  if (reason == scheduling::Reason::kVersionRetired) {
    return refuse(id, contract::conflict("The function was deleted or replaced while the invocation waited."));
  }
  refuse(id, contract::serviceError("The environment of the function could not be started."));
}

void Dispatcher::armTimer() {
  SteadyTime next = scheduler_.nextTimer();
  if (next == armed_) return;
  // A timer that is early finds nothing to do, so only earlier ones need arming anew.
  if (timer_ != 0 && next > armed_) return;
  loop_.cancel(timer_);
  armed_ = next;
  timer_ = 0;
  if (next == scheduling::kNever) return;
  timer_ = loop_.at(next, [this] {
    timer_ = 0;
    armed_ = scheduling::kNever;
    Actions actions;
    scheduler_.advance(loop_.now(), actions);
    apply(actions);
  });
}

void Dispatcher::instanceReady(Instance& instance) {
  Actions actions;
  scheduler_.ready(instance.id(), loop_.now(), actions);
  apply(actions);
}

void Dispatcher::instanceResponded(Instance& instance) { ++versionOf(instance.version().id).responded; }

void Dispatcher::instanceFinished(Instance& instance, Invocation& invocation, const Completion& completion) {
  Version& version = versionOf(instance.version().id);
  VersionTotals& totals = *version.totals;
  totals.billed_ms += completion.billed_ms;
  totals.duration_us += completion.duration.count() / 1000;
  totals.mb_millis += metering::mbMillis(version.version->memory_mb, completion.billed_ms);
  totals.max_memory_mb = std::max(totals.max_memory_mb, completion.max_memory_mb);
  if (completion.failed) ++totals.errors;
  if (completion.responded) --version.responded;
  invocations_.erase(invocation.id);
  Actions actions;
  if (!spare_.empty()) {
    actions = std::move(spare_.back());
    spare_.pop_back();
  }
  scheduler_.finished(instance.id(), loop_.now(), actions);
  apply(actions);
  actions.clear();
  spare_.push_back(std::move(actions));
  release(version, false);
}

void Dispatcher::instanceGone(Instance& instance) {
  scheduling::InstanceId id = instance.id();
  remove(id);
  Actions actions;
  scheduler_.gone(id, loop_.now(), actions);
  apply(actions);
}

void Dispatcher::shutDown() {
  std::vector<uint64_t> waiting;
  for (auto& [id, invocation] : invocations_) waiting.push_back(id);
  for (uint64_t id : waiting) refuse(id, contract::serviceError("The engine is shutting down."));
  while (!instances_.empty()) remove(scheduling::InstanceId(instances_.begin()->first));
  leaving_.clear();
  loop_.cancel(timer_);
  timer_ = 0;
}

}  // namespace lectern::engine
