// Usage: burst_bench FUNCTION_DIR [MODEL_MB [REQUESTS [ROUNDS]]]. The function has a snapshot and no instance; then so
// many requests arrive at once, and once more when their instances live. Wall times in ms; memory of all groups of the
// engine's sandboxes, templates included, and of the weights; bound_mb: the weights and 10 MB an instance.

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "engine/engine.h"
#include "model/store/keeper.h"
#include "model/store/random_model.h"
#include "net/http_client.h"
#include "net/url.h"

namespace {

namespace fs = std::filesystem;
using namespace lectern;

[[noreturn]] void die(const std::string& why) {
  fprintf(stderr, "burst_bench: %s\n", why.c_str());
  exit(1);
}

engine::FunctionSpec specOf(const std::string& name, const fs::path& code, const fs::path& models, int model_mb,
                            int64_t input) {
  engine::FunctionSpec spec;
  spec.name = name, spec.code = code;
  spec.memory_mb = std::min(10'240, model_mb * 3 + 512), spec.timeout_s = 120;
  spec.snap_start = true;
  spec.mounts = {{models, "/mnt/models", false}};
  spec.environment = {{"MODEL", "/mnt/models/random-" + std::to_string(model_mb) + ".onnx"},
                      {"SIZE", std::to_string(input)},
                      {"STYLE", "shared"}};
  return spec;
}

void awaitSnapshot(engine::Engine& engine, const std::string& name) {
  auto where = net::parseHttpUrl(engine.endpoint());
  auto api = [&](const std::string& method, const std::string& path) {
    net::ClientRequest request;
    request.method = method, request.target = "/2015-03-31/functions/" + name + path;
    if (method == "POST") request.body = "{}";
    auto response = net::HttpClient(where->host, where->port).send(request);
    auto parsed = response ? parseJson(response->body) : Result<json::value>(json::value{});
    return parsed && parsed->is_object() ? parsed->as_object() : json::object{};
  };
  api("POST", "/versions");
  for (int i = 0; i < 6000; ++i) {
    auto config = api("GET", "/configuration?Qualifier=1");
    if (stringOr(config, "State", "") == "Active") {
      if (stringOr(config.at("SnapStart").as_object(), "OptimizationStatus", "") != "On") die("no snapshot");
      poll(nullptr, 0, 200);  // its first forks are made ahead now
      return;
    }
    poll(nullptr, 0, 20);
  }
  die("the snapshot was not made");
}

double burst(engine::Engine& engine, const std::string& function, int requests) {
  RealClock clock;
  std::atomic<int> left = requests;
  std::promise<void> all;
  const SteadyTime begin = clock.now();
  for (int i = 0; i < requests; ++i) {
    engine.invokeAsync({function, "{}", false}, [&](engine::InvokeResult result) {
      if (!result.ok()) die("request failed: " + std::to_string(result.status) + " " + result.payload);
      if (--left == 0) all.set_value();
    });
  }
  all.get_future().wait();
  return static_cast<double>((clock.now() - begin).count()) / 1e6;
}

/// What the sandboxes use together; 0 without memory groups of version 1.
double memoryMb() {
  std::error_code ec;
  double most = 0;
  std::string comm;
  for (auto& entry : fs::recursive_directory_iterator("/sys/fs/cgroup/memory", ec)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("lectern-")) continue;
    auto stat = readFile("/proc/" + name.substr(8) + "/stat", Bytes{4096});
    // The spawner's parent is this process.
    size_t at = stat ? stat->rfind(')') : std::string::npos;
    if (at == std::string::npos || !stat->substr(std::min(at + 4, stat->size())).starts_with(std::to_string(getpid()) + " "))
      continue;
    auto used = readFile(entry.path() / "memory.usage_in_bytes", Bytes{64});
    if (used) most = std::max(most, strtod(used->c_str(), nullptr) / 1e6);
  }
  return most;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) die("Usage: burst_bench FUNCTION_DIR [MODEL_MB [REQUESTS [ROUNDS]]]");
  const int model_mb = argc > 2 ? atoi(argv[2]) : 275, requests = argc > 3 ? atoi(argv[3]) : 100;
  const int rounds = argc > 4 ? atoi(argv[4]) : 3;
  const fs::path models = cacheDir() / "bench-models";
  auto input = model::writeRandomModel(models / ("random-" + std::to_string(model_mb) + ".onnx"), model_mb);
  if (!input) die(input.error().message);
  std::vector<double> cold, warm, memory;
  double alone = 0;
  for (int round = 0; round < rounds; ++round) {
    engine::EngineOptions options;
    options.listen = "127.0.0.1:0";
    auto folder = TempDir::create("lectern-burst-");
    options.keeper = folder->path() / "keeper";
    auto keeper = model::Keeper::start({options.keeper});
    if (!keeper) die(keeper.error().message);
    auto started = engine::Engine::start(options);
    if (!started) die(started.error().message);
    auto& engine = **started;
    auto spec = specOf("large", argv[1], models, model_mb, *input);
    if (auto added = engine.addFunction(spec); !added) die(added.error().message);
    awaitSnapshot(engine, "large");
    const double weights = static_cast<double>((*keeper)->status().used) / 1e6;
    alone = memoryMb() + weights;
    cold.push_back(burst(engine, "large:1", requests));
    memory.push_back(memoryMb() + weights);
    warm.push_back(burst(engine, "large:1", requests));
  }
  printf("{\"name\":\"burst\",\"model_mb\":%d,\"requests\":%d,\"rounds\":%d,\"cold_ms\":%.0f,\"warm_ms\":%.0f,"
         "\"ratio\":%.2f,\"templates_mb\":%.0f,\"all_mb\":%.0f,\"bound_mb\":%.0f,\"mb_an_instance\":%.2f}\n",
         model_mb, requests, rounds, median(cold), median(warm), median(cold) / median(warm), alone, median(memory),
         model_mb + 10.0 * requests, (median(memory) - alone) / requests);
}
