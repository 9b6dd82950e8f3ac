// Start of a process with a model of the store: model_start STORE NAME SIZE... opens NAME (LECTERN_MODEL_STORE is set to
// STORE), runs zeros of the shape once and twice, and prints one line of JSON: times in ms since main, memory in MB.
#include <fmt/core.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "base/clock.h"
#include "model/model.h"

namespace {
double rollup(const std::string& key) {
  std::ifstream in("/proc/self/smaps_rollup");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(key + ":")) return std::strtod(line.c_str() + key.size() + 1, nullptr) / 1000;
  }
  return -1;
}
}  // namespace

int main(int argc, char** argv) {
  const lectern::RealClock clock;
  const auto start = clock.now();
  const auto ms = [&] { return static_cast<double>((clock.now() - start).count()) / 1e6; };
  if (argc < 4) return fmt::print(stderr, "usage: model_start STORE NAME SIZE...\n"), 2;
  setenv("LECTERN_MODEL_STORE", argv[1], 1);
  std::vector<int64_t> shape;
  for (int i = 3; i < argc; ++i) shape.push_back(atoll(argv[i]));
  auto model = lectern::model::Model::load(argv[2]);
  if (!model) return fmt::print(stderr, "model_start: {}\n", model.error().message), 1;
  const double ready = ms();
  const std::vector<float> zeros(static_cast<size_t>(lectern::model::Tensor{shape, {}}.elements()), 0.5f);
  if (auto out = (*model)->run(zeros, shape); !out) return fmt::print(stderr, "model_start: {}\n", out.error().message), 1;
  const double first = ms() - ready;
  const double before = ms();
  if (auto out = (*model)->run(zeros, shape); !out) return 1;
  const double warm = ms() - before;
  fmt::print("{{\"ready_ms\":{:.1f},\"first_ms\":{:.1f},\"warm_ms\":{:.1f},"
             "\"private_mb\":{:.1f},\"pss_mb\":{:.1f},\"rss_mb\":{:.1f}}}\n",
             ready, first, warm, rollup("Private_Dirty"), rollup("Pss"), rollup("Rss"));
}
