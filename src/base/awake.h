#pragma once
// Keeps the machine's cores from halting while something is measured.

#include <atomic>
#include <thread>
#include <vector>

namespace lectern {

/// One thread a core that spins with the scheduler's idle priority, so that it gives way to everything else. A core of a
/// virtual machine that halts in every period of a CPU quota comes back with cold caches and a low clock: the same call
/// then takes longer than on a machine that has other work.
class KeepAwake {
 public:
  KeepAwake();
  ~KeepAwake();
  KeepAwake(const KeepAwake&) = delete;

 private:
  std::atomic<bool> over_{false};
  std::vector<std::thread> threads_;
};

}  // namespace lectern
