#pragma once
// The keeper of weights: the one process of a machine that has them. A function opens its model file, hands the
// descriptor over and gets another one back, of the same bytes in memory, which it maps. So there is one physical copy for
// a machine, and memory is charged to the keeper, whoever asks first. Files with the same bytes are one, wherever they are.
// The least recently used ones leave when the budget is full; those in use stay.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/units.h"

namespace lectern::model {

struct KeeperOptions {
  std::filesystem::path folder;  // of its socket; functions see it
  Bytes budget{0};               // of weights, in whole pages of 2 MB; 0: the usual one
  // Times of change have the resolution of a tick: a file that changed as short ago is read again at its next use.
  Nanos settled = Seconds(2);
};

struct KeeperStatus {
  std::filesystem::path socket;  // what LECTERN_KEEPER names for functions
  int64_t budget = 0, used = 0;  // bytes
  bool huge_pages = false;
  int64_t read = 0;  // files, so far; what is known to be here is not read again
  int users = 0;  // connections; each is one mapped file, or a program that wants the keeper to stay
  struct File {
    std::string sha256;
    int64_t bytes = 0;
    int leases = 0;  // connections that have it mapped
  };
  std::vector<File> files;  // the least recently used first
};

/// Half of the machine's memory.
Bytes usualBudget();

class Keeper {
 public:
  /// Serves until the object goes. kExists when a keeper serves there.
  static Result<std::unique_ptr<Keeper>> start(const KeeperOptions& options);
  ~Keeper();
  KeeperStatus status() const;

 private:
  struct Impl;
  explicit Keeper(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct MemoryGroup {
  std::filesystem::path group, before;
};
/// Moves this process into a memory cgroup of its own with a limit, so that weights are charged there. kUnavailable, with
/// the reason, where the machine does not offer it.
Result<MemoryGroup> joinMemoryGroup(Bytes limit);
/// Goes back to where it was and removes the group; what is still mapped counts for the parent from then on.
void leaveMemoryGroup(const MemoryGroup& joined);

}  // namespace lectern::model
