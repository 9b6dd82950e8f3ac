#include "net/loop.h"

#include <malloc.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "base/check.h"

namespace lectern::net {

namespace {
/// A process that answers at once does so within this time. Being put to sleep and woken costs the loop a good part of it.
constexpr Nanos kShortWait = std::chrono::microseconds(40);
constexpr int kMostShortWaits = 8;
constexpr int kCoreIsWanted = -10'000;  // waits without polling from then on

bool severalCores() {
  cpu_set_t cores;
  return sched_getaffinity(0, sizeof cores, &cores) == 0 && CPU_COUNT(&cores) > 1;
}
}  // namespace

Loop::Loop()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wakeup_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      scratch_(new char[kScratchSize]) {
  CHECK(epoll_.valid() && wakeup_.valid());
  may_poll_ = severalCores();
  watchReadable(wakeup_.get(), [this] {
    uint64_t count = 0;
    [[maybe_unused]] ssize_t n = read(wakeup_.get(), &count, sizeof count);
    runPosted();
  });
}

Loop::~Loop() = default;

void Loop::add(int fd, uint32_t events, ReadyCallback callback) {
  auto watch = std::make_unique<Watch>(Watch{fd, std::move(callback)});
  epoll_event event{};
  event.events = events;
  event.data.ptr = watch.get();
  CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
  CHECK(watches_.emplace(fd, std::move(watch)).second);
}

void Loop::watch(int fd, ReadyCallback callback) {
  add(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, std::move(callback));
}

void Loop::watchReadable(int fd, Callback callback) {
  add(fd, EPOLLIN, [callback = std::move(callback)](uint32_t) { callback(); });
}

void Loop::unwatch(int fd) {
  auto it = watches_.find(fd);
  if (it == watches_.end()) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  it->second->dead = true;
  graveyard_.push_back(std::move(it->second));
  watches_.erase(it);
}

uint64_t Loop::at(SteadyTime when, Callback callback) {
  uint64_t id = next_timer_++;
  timers_.emplace(std::make_pair(when, id), std::move(callback));
  timer_time_.emplace(id, when);
  return id;
}

void Loop::cancel(uint64_t id) {
  auto it = timer_time_.find(id);
  if (it == timer_time_.end()) return;
  timers_.erase({it->second, id});
  timer_time_.erase(it);
}

void Loop::post(Callback callback) {
  bool first;
  {
    std::lock_guard lock(mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(callback));
  }
  uint64_t one = 1;
  if (first) [[maybe_unused]]
    ssize_t n = write(wakeup_.get(), &one, sizeof one);
}

void Loop::stop() {
  stopping_ = true;
  uint64_t one = 1;
  [[maybe_unused]] ssize_t n = write(wakeup_.get(), &one, sizeof one);
}

int Loop::waitMillis() const {
  if (!deferred_.empty() || stopping_) return 0;
  if (timers_.empty()) return -1;
  int64_t nanos = (timers_.begin()->first.first - now()).count();
  if (nanos <= 0) return 0;
  return int(std::min<int64_t>((nanos + 999'999) / 1'000'000, INT_MAX));
}

void Loop::runTimers() {
  if (timers_.empty()) return;
  SteadyTime until = now();
  while (!timers_.empty() && timers_.begin()->first.first <= until) {
    auto node = timers_.extract(timers_.begin());
    timer_time_.erase(node.key().second);
    node.mapped()();
  }
}

void Loop::runPosted() {
  std::vector<Callback> work;
  {
    std::lock_guard lock(mutex_);
    work.swap(posted_);
  }
  for (auto& callback : work) callback();
}

void Loop::runDeferred() {
  while (!deferred_.empty()) {
    std::vector<Callback> work;
    work.swap(deferred_);
    for (auto& callback : work) callback();
  }
}

/// epoll_wait(). While one short wait follows the other, as between a caller and a function that are quick, the loop asks
/// again and again for a short time before it sleeps. A loop with nothing to do, or whose functions take their time,
/// does not; nor does one whose core others want, which shows in a yield that takes long.
int Loop::wait(epoll_event* events, int most) {
  int limit = waitMillis();
  if (limit == 0 || !may_poll_) return epoll_wait(epoll_.get(), events, most, limit);
  if (short_waits_ < 0) {
    ++short_waits_;
    return epoll_wait(epoll_.get(), events, most, limit);
  }
  SteadyTime start = now();
  if (short_waits_ == 0) {
    int n = epoll_wait(epoll_.get(), events, most, limit);
    if (now() - start < kShortWait) ++short_waits_;
    return n;
  }
  for (SteadyTime last = start; last - start < kShortWait;) {
    int n = epoll_wait(epoll_.get(), events, most, 0);
    if (n != 0) {
      short_waits_ = std::min(short_waits_ + 1, kMostShortWaits);
      return n;
    }
    sched_yield();
    SteadyTime then = std::exchange(last, now());
    if (last - then < kShortWait) continue;
    short_waits_ = kCoreIsWanted;
    return epoll_wait(epoll_.get(), events, most, 0);
  }
  short_waits_ = std::max(short_waits_ - kMostShortWaits / 2, 0);
  return epoll_wait(epoll_.get(), events, most, limit);
}

void Loop::run() {
  epoll_event events[64];
  while (!stopping_) {
    int n = wait(events, 64);
    CHECK(n >= 0 || errno == EINTR);
    for (int i = 0; i < n; ++i) {
      auto* watch = static_cast<Watch*>(events[i].data.ptr);
      if (watch->dead) continue;
      uint32_t e = events[i].events;
      uint32_t ready = 0;
      if (e & EPOLLIN) ready |= kReadable;
      if (e & EPOLLOUT) ready |= kWritable;
      if (e & EPOLLRDHUP) ready |= kPeerClosed;
      if (e & (EPOLLHUP | EPOLLERR)) ready |= kHangup;
      watch->callback(ready);
    }
    runDeferred();
    runTimers();
    runDeferred();
    graveyard_.clear();
  }
}

void tuneAllocator() {
  // 32 MiB is the largest threshold that glibc accepts; setting any of these switches its own adaptation off.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
  mallopt(M_TOP_PAD, 16 << 20);
}

}  // namespace lectern::net
