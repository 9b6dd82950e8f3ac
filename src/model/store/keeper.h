#pragma once
// The keeper of a model store: the one process that has the weights. Functions map them through descriptors it hands out,
// so there is one physical copy for a machine, and memory is charged to the keeper, whoever asks first. Models with the
// same bytes are one, whatever their names. The least recently used ones leave when the budget is full; those in use stay.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace lectern::model {

struct KeeperOptions {
  std::filesystem::path store;
  Bytes budget = gibibytes(8);  // of weights, in whole pages of 2 MB
};

struct KeeperStatus {
  int64_t budget = 0, used = 0;  // bytes
  bool huge_pages = false;
  struct File {
    std::string sha256;
    int64_t bytes = 0;
    int leases = 0;  // connections that have it mapped
  };
  std::vector<File> files;  // the least recently used first
};

class Keeper {
 public:
  /// Serves until the object goes. kExists when the store has a keeper, kNotFound when there is no store.
  static Result<std::unique_ptr<Keeper>> start(const KeeperOptions& options);
  ~Keeper();
  KeeperStatus status() const;

 private:
  struct Impl;
  explicit Keeper(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Moves this process into a memory cgroup of its own with a limit, so that weights are charged there. The group's
/// folder; kUnavailable, with the reason, where the machine does not offer it.
Result<std::filesystem::path> joinMemoryGroup(const std::string& name, Bytes limit);
/// Goes back to the parent group and removes the group; what is still mapped counts for the parent from then on.
void leaveMemoryGroup(const std::filesystem::path& group);

}  // namespace lectern::model
