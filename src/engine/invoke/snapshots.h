#pragma once
// Has the snapshots of versions made ahead of their first use, and writes each one's init into the version's log.

#include <functional>
#include <memory>
#include <vector>

#include "engine/instance/instance.h"

namespace lectern::engine {

class Snapshots {
 public:
  /// `good`: instances start from it from now on; else they start the ordinary way, and the version's log says why.
  using Listener = std::function<void(const FunctionVersion& version, bool good)>;

  explicit Snapshots(const InstanceContext& context) : context_(context) {}
  ~Snapshots() { *alive_ = false; }
  Snapshots(const Snapshots&) = delete;

  void onMade(Listener listener) { listener_ = std::move(listener); }
  /// Begins soon. What is wanted in the same turn of the loop (an engine that starts again) is made in the order of
  /// earlier use, and versions that were not used at all wait for their first use.
  void want(VersionPtr version);
  void drop(const FunctionVersion& version);

 private:
  void makeAll();
  void make(const VersionPtr& version);
  void made(const VersionPtr& version, LogStream& log, const SnapshotMade& made);

  const InstanceContext& context_;
  Listener listener_;
  std::vector<VersionPtr> wanted_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lectern::engine
