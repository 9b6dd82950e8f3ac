#pragma once
#include <cstddef>
#include <semaphore>

namespace lectern {

/// Bounds how many threads do something at the same time.
class Slots {
 public:
  explicit Slots(size_t count) : count_(count), free_(static_cast<std::ptrdiff_t>(count)) {}
  size_t count() const { return count_; }

  /// Takes a slot that is free now; false when there is none.
  bool tryTake() { return free_.try_acquire(); }
  void give() { free_.release(); }

  /// Holds one slot, waiting for it.
  class Use {
   public:
    explicit Use(Slots& slots) : slots_(slots) { slots_.free_.acquire(); }
    ~Use() { slots_.give(); }
    Use(const Use&) = delete;

   private:
    Slots& slots_;
  };

 private:
  const size_t count_;
  std::counting_semaphore<> free_;
};

}  // namespace lectern
