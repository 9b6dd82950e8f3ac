#include "reader/recognise/workers.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace lectern::reader {

void forEachIndex(int count, int workers, const std::function<void(int, int)>& work) {
  std::atomic<int> next{0};
  const auto loop = [&](int worker) {
    for (int i = next++; i < count; i = next++) work(worker, i);
  };
  std::vector<std::thread> others;
  for (int w = 1; w < std::min(workers, count); ++w) others.emplace_back(loop, w);
  loop(0);
  for (auto& t : others) t.join();
}

}  // namespace lectern::reader
