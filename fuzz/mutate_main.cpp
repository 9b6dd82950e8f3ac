// Drives a libFuzzer target without libFuzzer: mutates its seeds with a fixed generator for some seconds. Usage: fuzz_NAME
// [SECONDS]. The input that ends the program is left in fuzz-crash.bin of the working directory; "fuzz_NAME @FILE" runs one.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
std::vector<std::string> fuzzSeeds();

namespace {

std::string input;

void run() { LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size()); }

void keepInput(int number) {
  int file = open("fuzz-crash.bin", O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0) (void)!write(file, input.data(), input.size());
  signal(number, SIG_DFL);
  raise(number);
}

double seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return double(now.tv_sec) + double(now.tv_nsec) / 1e9;
}

uint64_t next() {
  static uint64_t state = 88172645463325252ull;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

void mutate(std::string& text) {
  for (uint64_t changes = next() % 6; changes > 0 && !text.empty(); --changes) {
    size_t at = next() % text.size();
    switch (next() % 6) {
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
      case 4:  // numbers at the edges of their types
        for (size_t i = at; i < text.size() && i < at + (size_t(1) << next() % 4); ++i) text[i] = next() % 2 ? '\xff' : '\0';
        break;
      default:
        text.resize(at);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (int number : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGALRM}) signal(number, keepInput);
  std::string argument = argc > 1 ? argv[1] : "4";
  if (argument[0] == '@') {
    std::ifstream in(argument.substr(1), std::ios::binary);
    input.assign(std::istreambuf_iterator<char>(in), {});
    run();
    return 0;
  }
  auto seeds = fuzzSeeds();
  for (auto& seed : seeds) input = seed, run();
  long runs = 0;
  for (double end = seconds() + atof(argument.c_str()); seconds() < end; ++runs) {
    input = seeds[next() % seeds.size()];
    mutate(input);
    alarm(60);  // an input that takes this long is a fault as well
    run();
  }
  printf("%ld inputs from %zu seeds\n", runs, seeds.size());
  return 0;
}
