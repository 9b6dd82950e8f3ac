// Drives a libFuzzer target without libFuzzer: mutates its seeds with a fixed generator for a few seconds.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
std::vector<std::string> fuzzSeeds();

int main(int argc, char** argv) {
  auto seeds = fuzzSeeds();
  uint64_t state = 88172645463325252ull;
  auto next = [&] {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  };
  long runs = argc > 1 ? atol(argv[1]) : 20'000;
  for (long i = 0; i < runs; ++i) {
    std::string text = seeds[next() % seeds.size()];
    for (uint64_t changes = next() % 6; changes > 0 && !text.empty(); --changes) {
      size_t at = next() % text.size();
      switch (next() % 5) {
        case 0:
          text[at] = char(next());
          break;
        case 1:
          text.erase(at, next() % 16);
          break;
        case 2:
          text.insert(at, 1 + next() % 4, char(next()));
          break;
        case 3:
          text.insert(at, text.substr(next() % text.size(), next() % 32));
          break;
        default:
          text.resize(at);
      }
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }
  printf("%ld runs over %zu seeds\n", runs, seeds.size());
  return 0;
}
