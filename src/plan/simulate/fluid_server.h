#pragma once
// Flows that share a capacity evenly: a file system read by many, processors worked by many. All flows have the same
// rate at any moment, so one running integral of that rate serves them all.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "base/check.h"

namespace lectern::plan {

class FluidServer {
 public:
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::max();

  /// `rate(n)` is each flow's rate, in units of work a second, while n flows run; never above zero flows' need.
  explicit FluidServer(std::function<double(size_t)> rate) : rate_(std::move(rate)) {}

  /// A file system: each client at most `client_cap`, all together at most `total_cap`.
  static FluidServer fileSystem(double client_cap, double total_cap) {
    return FluidServer([=](size_t n) { return std::min(client_cap, total_cap / static_cast<double>(n)); });
  }

  void add(int64_t now, double work, uint32_t id) {
    moveTo(now);
    flows_.emplace_back(done_ + std::max(work, 0.0), id);
    std::push_heap(flows_.begin(), flows_.end(), std::greater<>());
  }

  /// When the next flow ends; kNone without flows.
  int64_t next() const {
    if (flows_.empty()) return kNone;
    const double rate = rate_(flows_.size());
    if (rate <= 0) return kNone;
    const double seconds = std::max(0.0, flows_.front().first - done_) / rate;
    // Rounded up: at that moment the flow has ended for certain.
    return now_ + static_cast<int64_t>(seconds * 1e9) + 1;
  }

  /// Ends the flow that next() tells of and returns its id.
  uint32_t take(int64_t now) {
    CHECK(!flows_.empty());
    moveTo(now);
    std::pop_heap(flows_.begin(), flows_.end(), std::greater<>());
    const uint32_t id = flows_.back().second;
    done_ = std::max(done_, flows_.back().first);
    flows_.pop_back();
    return id;
  }

  /// Ends a flow before its time; nothing when it does not run.
  void remove(int64_t now, uint32_t id) {
    moveTo(now);
    if (std::erase_if(flows_, [id](const auto& flow) { return flow.second == id; }) == 0) return;
    std::make_heap(flows_.begin(), flows_.end(), std::greater<>());
  }

  /// Call before something changes what rate() answers.
  void moveTo(int64_t now) {
    if (!flows_.empty()) done_ += rate_(flows_.size()) * static_cast<double>(now - now_) / 1e9;
    now_ = now;
  }

  size_t flows() const { return flows_.size(); }

 private:
  std::function<double(size_t)> rate_;
  int64_t now_ = 0;
  double done_ = 0;  // work each flow would have done since the start
  std::vector<std::pair<double, uint32_t>> flows_;  // heap, first to end first
};

}  // namespace lectern::plan
