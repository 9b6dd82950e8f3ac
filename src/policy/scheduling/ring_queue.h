#pragma once
// A first-in first-out queue in one growing array: no allocation once it has reached its working size.

#include <cstddef>
#include <utility>
#include <vector>

#include "base/check.h"

namespace lectern::scheduling {

template <typename T>
class RingQueue {
 public:
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  T& front() {
    CHECK(size_ > 0);
    return slots_[head_];
  }
  const T& front() const {
    CHECK(size_ > 0);
    return slots_[head_];
  }
  void push(T value) {
    if (size_ == slots_.size()) grow();
    slots_[(head_ + size_) & (slots_.size() - 1)] = std::move(value);
    ++size_;
  }
  void pop() {
    CHECK(size_ > 0);
    head_ = (head_ + 1) & (slots_.size() - 1);
    --size_;
  }

 private:
  void grow() {
    std::vector<T> wider(slots_.empty() ? 8 : slots_.size() * 2);
    for (size_t i = 0; i < size_; ++i) wider[i] = std::move(slots_[(head_ + i) & (slots_.size() - 1)]);
    slots_ = std::move(wider);
    head_ = 0;
  }
  std::vector<T> slots_;  // a power of two of them
  size_t head_ = 0;
  size_t size_ = 0;
};

}  // namespace lectern::scheduling
