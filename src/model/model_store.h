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

/// A keeper as a process of its own, `lectern model keep`, so that the memory of weights is charged to nobody else.
/// It ends with this object, and with this process however that ends.
class KeeperProcess {
 public:
  /// `program` is the lectern program. Returns when the keeper answers; kUnavailable when it does not.
  static Result<std::unique_ptr<KeeperProcess>> start(const std::filesystem::path& program,
                                                      const KeeperOptions& options);
  ~KeeperProcess();
  KeeperProcess(const KeeperProcess&) = delete;

 private:
  KeeperProcess(int pid, Fd life) : pid_(pid), life_(std::move(life)) {}
  int pid_;
  Fd life_;  // the keeper's standard input, which ends with us
};

}  // namespace lectern::model
