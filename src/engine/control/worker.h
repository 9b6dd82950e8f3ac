#pragma once
// One thread for work that would hold the loop up: unpacking, hashing, parsing of large bodies.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "net/loop.h"

namespace lectern::engine {

class Worker {
 public:
  explicit Worker(net::Loop& loop) : loop_(loop), thread_([this] { run(); }) {}
  ~Worker();

  /// `work` on the worker's thread, then `done` on the loop's.
  void run(std::function<void()> work, std::function<void()> done);

 private:
  void run();
  net::Loop& loop_;
  std::mutex mutex_;  // guards queue_ and ending_
  std::condition_variable wake_;
  std::deque<std::pair<std::function<void()>, std::function<void()>>> queue_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace lectern::engine
