#pragma once
#include <cstdint>
#include <string>

namespace lectern::engine {

/// Request ids and trace ids from a generator seeded by the kernel: no system call for each.
class IdSource {
 public:
  IdSource();
  std::string uuid();
  /// "Root=1-<time>-<24 digits>;Parent=<16 digits>;Sampled=0".
  std::string trace(int64_t epoch_seconds);

 private:
  uint64_t next();
  uint64_t state_[4];
};

}  // namespace lectern::engine
