#pragma once
// The model store for those who run it: what the command line and the engine use. Functions use model.h.

#include <memory>

#include "base/files.h"
#include "model/store/keeper.h"
#include "model/store/manifest.h"

namespace lectern::model {

/// Adds the form of a model that is optimised for this machine, unless the store has it. Two processes that ask at once
/// do it once.
Result<Manifest> prepareForMachine(const std::filesystem::path& store, const std::string& name);

/// The folder in which the keeper of this user's engines serves.
std::filesystem::path keeperFolder();

/// The use of a keeper that is a process of its own, `lectern model keep`, so that the memory of weights is charged to
/// nobody else. All engines of a user share it; it ends some seconds after the last of them, however they end.
class KeeperProcess {
 public:
  /// The keeper that serves there, or one that is started: `program` is the lectern program. kUnavailable when it does
  /// not answer.
  static Result<std::unique_ptr<KeeperProcess>> use(const std::filesystem::path& program, const KeeperOptions& options);
  /// Becomes readable when the keeper has ended.
  int endFd() const { return use_.get(); }

 private:
  explicit KeeperProcess(Fd use) : use_(std::move(use)) {}
  Fd use_;  // a connection that asks nothing
};

}  // namespace lectern::model
