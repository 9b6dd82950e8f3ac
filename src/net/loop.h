#pragma once
// The event loop: one thread, descriptors, timers and work posted from other threads.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/files.h"

struct epoll_event;

namespace lectern::net {

/// Ready states of a watched descriptor, combined by |.
constexpr uint32_t kReadable = 1;
constexpr uint32_t kWritable = 2;
constexpr uint32_t kPeerClosed = 4;  // the peer sends nothing more
constexpr uint32_t kHangup = 8;      // the connection is gone

/// Everything but post() and stop() belongs to the thread that runs run().
class Loop {
 public:
  using Callback = std::function<void()>;
  using ReadyCallback = std::function<void(uint32_t ready)>;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Reports changes of `fd` (edge triggered: read and write until EAGAIN). `fd` stays the caller's, who calls
  /// unwatch() before closing it.
  void watch(int fd, ReadyCallback callback);
  /// Reports as long as `fd` is readable.
  void watchReadable(int fd, Callback callback);
  void unwatch(int fd);

  /// Runs the callback once, not before `when`. Returns an id for cancel(), never 0.
  uint64_t at(SteadyTime when, Callback callback);
  uint64_t after(Nanos delay, Callback callback) { return at(now() + delay, std::move(callback)); }
  /// Forgets a timer; ids that have fired or are 0 are ignored.
  void cancel(uint64_t id);

  /// From any thread: runs the callback soon on the loop's thread, in the order of the calls.
  void post(Callback callback);
  /// Runs the callback after the event being handled, before the loop waits again (loop thread only).
  void defer(Callback callback) { deferred_.push_back(std::move(callback)); }

  /// Works until stop().
  void run();
  /// From any thread and from signal handlers.
  void stop();

  SteadyTime now() const { return clock_.now(); }
  const Clock& clock() const { return clock_; }
  /// A scratch buffer for reads, shared by everything on this loop.
  char* scratch() { return scratch_.get(); }
  static constexpr size_t kScratchSize = 256 * 1024;

 private:
  struct Watch {
    int fd;
    ReadyCallback callback;
    bool dead = false;
  };
  void add(int fd, uint32_t events, ReadyCallback callback);
  int waitMillis() const;
  int wait(epoll_event* events, int most);
  void runTimers();
  void runPosted();
  void runDeferred();

  RealClock clock_;
  Fd epoll_, wakeup_;
  std::unique_ptr<char[]> scratch_;
  std::unordered_map<int, std::unique_ptr<Watch>> watches_;
  std::vector<std::unique_ptr<Watch>> graveyard_;  // watches removed while events of this round may still name them
  std::map<std::pair<SteadyTime, uint64_t>, Callback> timers_;
  std::unordered_map<uint64_t, SteadyTime> timer_time_;
  uint64_t next_timer_ = 1;
  std::vector<Callback> deferred_;
  std::mutex mutex_;  // guards posted_
  std::vector<Callback> posted_;
  std::atomic<bool> stopping_{false};
  bool may_poll_ = false;   // another core can do the work that is waited for
  int short_waits_ = 0;     // how much speaks for polling, up to kMostShortWaits
};

/// Sets malloc's thresholds so that megabyte payloads reuse pages instead of mapping fresh ones. Once, at program
/// start.
void tuneAllocator();

}  // namespace lectern::net
