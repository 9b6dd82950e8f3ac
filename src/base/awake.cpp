#include "base/awake.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>

namespace lectern {

KeepAwake::KeepAwake() {
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  for (unsigned n = 0; n < cores; ++n) {
    threads_.emplace_back([this] {
      const sched_param none{};
      if (pthread_setschedparam(pthread_self(), SCHED_IDLE, &none) != 0) return;  // would take time from others
      // No pause instruction: a hypervisor takes it for a reason to halt the core.
      while (!over_.load(std::memory_order_relaxed)) {
      }
    });
  }
}

KeepAwake::~KeepAwake() {
  over_ = true;
  for (auto& thread : threads_) thread.join();
}

}  // namespace lectern
