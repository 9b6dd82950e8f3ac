#include "reader/recognise/workers.h"

#include <atomic>
#include <thread>
#include <vector>

namespace lectern::reader {

void forEachIndex(int count, Slots* spare, const std::function<void(int)>& work) {
  std::atomic<int> next{0};
  std::vector<std::thread> helpers;
  const auto help = [&] {
    for (int i = next++; i < count; i = next++) work(i);
    spare->give();
  };
  for (int i = next++; i < count; i = next++) {
    // Slots come free while this goes on. The last index is the caller's own.
    if (spare != nullptr && next < count && spare->tryTake()) helpers.emplace_back(help);
    work(i);
  }
  for (auto& t : helpers) t.join();
}

}  // namespace lectern::reader
