#pragma once
// Joins the pure scheduler with real instances: does what its actions say and tells it what became of them.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/control/registry.h"
#include "engine/instance/instance.h"
#include "engine/invoke/snapshots.h"
#include "policy/scheduling/scheduler.h"

namespace lectern::engine {

struct DispatcherOptions {
  contract::Place place;
  contract::Limits limits;
  metering::Rules rules;
  scheduling::AccountLimits account;
  scheduling::KeepAlive keep_alive;
};

/// Totals of a version's name ("f:$LATEST", whatever it stood for) since the engine started.
struct VersionTotals {
  uint64_t invocations = 0, errors = 0, timeouts = 0, throttles = 0, cold = 0;
  int64_t billed_ms = 0, duration_us = 0, mb_millis = 0;
  int max_memory_mb = 0;
};

class Dispatcher final : public VersionHost, private InstanceOwner {
 public:
  Dispatcher(net::Loop& loop, InstanceHost& host, LogStore& logs, const DispatcherOptions& options);
  ~Dispatcher() override;

  /// Makes a function known; `reserved` as for the scheduler.
  scheduling::FunctionId addFunction(std::optional<int> reserved) override;
  void setReserved(scheduling::FunctionId function, std::optional<int> reserved) override;
  /// Puts a version into service and fills in its id.
  VersionPtr addVersion(scheduling::FunctionId function, FunctionVersion version, int provisioned) override;
  void setProvisioned(scheduling::VersionId version, int provisioned) override;
  /// Takes a version out of service, once the invocations that wait for its starts have begun; they end normally.
  void retireVersion(scheduling::VersionId version) override;
  int readyInstances(scheduling::VersionId version) const override;
  int64_t invocations(scheduling::VersionId version) const override;
  /// Told when the snapshot of a version is there, or that there will be none.
  void onSnapshot(Snapshots::Listener listener) { snapshots_.onMade(std::move(listener)); }

  /// Runs an invocation; its done() is called exactly once, perhaps from within.
  void invoke(std::unique_ptr<Invocation> invocation);

  struct InstanceView {
    std::string function, version, state;
    int memory_mb = 0, pid = 0;
  };
  std::vector<InstanceView> instances() const;
  scheduling::VersionCounts counts(scheduling::VersionId version) const { return scheduler_.counts(version); }
  const VersionTotals& totals(scheduling::VersionId version) const;
  int concurrency() const { return scheduler_.concurrency(); }
  size_t inFlight() const { return invocations_.size(); }
  /// Ends all instances; waiting callers get an answer.
  void shutDown();

 private:
  struct Version {
    VersionPtr version;
    scheduling::VersionConfig config;
    std::shared_ptr<VersionTotals> totals;  // those of its predecessors of the same name, too
    int64_t invocations = 0;                // its own
    int responded = 0;          // instances that have answered and not asked for more yet
    std::deque<uint64_t> held;  // invocations that wait for one of those
    uint64_t held_timer = 0;
    int instances = 0;
    bool retired = false;
  };

  void instanceReady(Instance& instance) override;
  void instanceResponded(Instance& instance) override;
  void instanceFinished(Instance& instance, Invocation& invocation, const Completion& completion) override;
  void instanceGone(Instance& instance) override;

  void submit(uint64_t invocation);
  void release(Version& version, bool all);
  void apply(scheduling::Actions& actions);
  void applyOne(const scheduling::Action& action);
  void armTimer();
  void remove(scheduling::InstanceId id);
  void refuse(uint64_t invocation, contract::ApiError error);
  void failLost(uint64_t invocation, scheduling::Reason reason);
  Version& versionOf(scheduling::VersionId id) { return versions_[size_t(id)]; }
  scheduling::VersionConfig configOf(const FunctionVersion& version, int provisioned) const;

  net::Loop& loop_;
  InstanceContext context_;
  Snapshots snapshots_;
  DispatcherOptions options_;
  scheduling::Scheduler scheduler_;
  std::vector<scheduling::Actions> spare_;
  std::deque<Version> versions_;  // by VersionId
  std::map<std::string, std::shared_ptr<VersionTotals>> totals_;  // by "NAME:VERSION"
  std::unordered_map<uint64_t, std::unique_ptr<Instance>> instances_;
  std::unordered_map<Instance*, std::shared_ptr<Instance>> leaving_;  // telling their extensions of the end
  std::unordered_map<uint64_t, std::unique_ptr<Invocation>> invocations_;
  uint64_t next_invocation_ = 1;
  SteadyTime armed_ = scheduling::kNever;
  uint64_t timer_ = 0;
};

}  // namespace lectern::engine
