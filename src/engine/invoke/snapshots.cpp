#include "engine/invoke/snapshots.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "engine/instance/environment.h"

namespace lectern::engine {

namespace {

/// After a restart: so many snapshots are made again ahead of need, the others at their next use.
constexpr size_t kMadeAgain = 16;

/// Lambda's limit of an init that ends in a snapshot.
Nanos initLimit(const FunctionVersion& version) {
  return Seconds(std::clamp(version.timeout_s, 130, 900));
}

}  // namespace

void Snapshots::want(VersionPtr version) {
  wanted_.push_back(std::move(version));
  if (wanted_.size() > 1) return;
  context_.loop.after(Nanos(0), [this, alive = alive_] {
    if (*alive) makeAll();
  });
}

void Snapshots::makeAll() {
  auto wanted = std::move(wanted_);
  wanted_.clear();
  // A new version is about to be used.
  auto uses = [](const VersionPtr& v) { return v->uses < 0 ? INT64_MAX : v->uses; };
  std::stable_sort(wanted.begin(), wanted.end(), [&](auto& a, auto& b) { return uses(a) > uses(b); });
  size_t again = 0;
  for (auto& version : wanted) {
    if (version->uses < 0 || (version->uses > 0 && ++again <= kMadeAgain)) make(version);
  }
}

void Snapshots::make(const VersionPtr& version) {
  std::string group = version->log_group.empty() ? contract::logGroup(version->name) : version->log_group;
  auto log = std::shared_ptr<LogStream>(context_.logs.open(group, version->version));
  sandbox::SandboxSpec spec = sandboxSpecOf(*version, context_.limits);
  spec.env = environmentOf(*version, context_.place, log->name(), "snap-start");
  SnapshotWish wish{snapshotKey(*version), std::max<int64_t>(version->uses, 0), initLimit(*version)};
  context_.host.makeSnapshot(wish, std::move(spec), [this, alive = alive_, version, log](SnapshotMade done) {
    if (*alive) made(version, *log, done);
  });
}

void Snapshots::made(const VersionPtr& version, LogStream& log, const SnapshotMade& made) {
  log.write(made.log);
  log.endLine();
  log.write(fmt::format("INIT_REPORT Init Duration: {} ms\tPhase: init{}\n", metering::formatMillis(made.init),
                        made.result ? "" : "\tStatus: error"));
  if (!made.result) log.write("LECTERN No snapshot: " + made.result.error().message + "\n");
  log.flush();
  if (listener_) listener_(*version, bool(made.result));
}

void Snapshots::drop(const FunctionVersion& version) {
  std::erase_if(wanted_, [&](auto& wanted) { return wanted->id == version.id; });
  if (version.snap_start) context_.host.dropSnapshot(snapshotKey(version));
}

}  // namespace lectern::engine
