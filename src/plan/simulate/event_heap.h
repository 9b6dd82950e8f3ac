#pragma once
// A priority queue in one array with four children a node: fewer cache misses than a binary heap, no allocation once
// grown. Equal times leave in an order that depends on the events alone, so runs are reproducible.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"

namespace lectern::plan {

struct Event {
  int64_t t_nanos = 0;
  uint32_t slot = 0;
  uint32_t kind = 0;
  auto operator<=>(const Event&) const = default;
};

class EventHeap {
 public:
  bool empty() const { return events_.empty(); }
  size_t size() const { return events_.size(); }
  const Event& top() const { return events_.front(); }

  void push(const Event& event) {
    size_t at = events_.size();
    events_.push_back(event);
    while (at > 0) {
      const size_t parent = (at - 1) / 4;
      if (!(event < events_[parent])) break;
      events_[at] = events_[parent];
      at = parent;
    }
    events_[at] = event;
  }

  void pop() {
    CHECK(!events_.empty());
    const Event last = events_.back();
    events_.pop_back();
    if (events_.empty()) return;
    size_t at = 0;
    for (;;) {
      const size_t first = at * 4 + 1;
      if (first >= events_.size()) break;
      size_t least = first;
      const size_t end = first + 4 < events_.size() ? first + 4 : events_.size();
      for (size_t child = first + 1; child < end; ++child) {
        if (events_[child] < events_[least]) least = child;
      }
      if (!(events_[least] < last)) break;
      events_[at] = events_[least];
      at = least;
    }
    events_[at] = last;
  }

 private:
  std::vector<Event> events_;
};

}  // namespace lectern::plan
