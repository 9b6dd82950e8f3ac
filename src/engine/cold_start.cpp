#include "engine/cold_start.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "base/clock.h"
#include "base/files.h"
#include "engine/sandbox/sandbox.h"
#include "engine/snapshot/api_peer.h"
#include "engine/snapshot/templates.h"
#include "model/store/keeper.h"
#include "model/store/random_model.h"

namespace lectern::engine {
namespace {

namespace fs = std::filesystem;
using sandbox::Sandbox;
using sandbox::SandboxSpec;
using snapshot::ApiPeer;
using snapshot::ApiRequest;

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Live {
  std::unique_ptr<Sandbox> sandbox;
  std::unique_ptr<ApiPeer> api;
  Fd output;
  bool ended = false;
  double ready_ms = 0;
};

class Bench {
 public:
  Bench(const ColdStartOptions& options, fs::path functions, fs::path models)
      : options_(options), functions_(std::move(functions)), models_(std::move(models)) {}

  Result<void> start() {
    sandbox::SpawnerOptions spawner;
    if (options_.keeper) {
      TRY(auto folder, TempDir::create("lectern-bench-"));
      keeper_folder_.emplace(std::move(folder));
      spawner.keeper = keeper_folder_->path() / "keeper";
      TRY(keeper_, model::Keeper::start({spawner.keeper, gibibytes(20)}));
    }
    TRY(spawner_, sandbox::Spawner::start(spawner));
    snapshot::TemplatesOptions limits;
    limits.init_limit = Seconds(300);
    templates_ = std::make_unique<snapshot::Templates>(*spawner_, clock_, limits);
    return {};
  }

  Result<ColdStartRow> row(int model_mb, const std::string& mode, int instances, int64_t input_size) {
    ColdStartRow row{.model_mb = model_mb, .instances = instances, .mode = mode};
    row.isolation = sandbox::isolationName(spawner_->capabilities().isolation);
    const bool forked = mode != "ordinary";
    const std::string key = fmt::format("{}-{}", mode, model_mb);
    if (forked) TRY_VOID(makeTemplate(key, spec(model_mb, mode, input_size)));
    // A start that packs gigabytes takes tens of seconds: few of them tell enough.
    int repeats = forked || model_mb == 0 ? options_.repeats : model_mb < 600 ? 3 : 1;
    std::vector<std::unique_ptr<Live>> alive;
    std::vector<double> ready, first, warm, memory;
    const int total = instances > 1 ? instances : repeats;
    for (int i = 0; i < total; ++i) {
      TRY(auto live, startOne(forked ? key : "", spec(model_mb, mode, input_size)));
      ready.push_back(live->ready_ms);
      if (instances == 1 || i % 10 == 9) {
        TRY(double first_ms, ask(*live));
        TRY(double warm_ms, ask(*live));
        first.push_back(first_ms), warm.push_back(warm_ms);
        memory.push_back(static_cast<double>(live->sandbox->memoryCurrent().value) / 1e6);
      }
      if (instances > 1) {
        alive.push_back(std::move(live));
      } else {
        TRY_VOID(endOne(*live));
      }
    }
    for (auto& live : alive) TRY_VOID(endOne(*live));
    row.ready_ms = median(ready), row.first_ms = median(first), row.warm_ms = median(warm);
    row.private_mb = median(memory), row.samples = total;
    if (forked) row.shared_mb = static_cast<double>(templates_->memory(key).value) / 1e6;
    if (keeper_ && mode == "snapshot") {
      for (const auto& file : keeper_->status().files) {
        if (file.leases > 0) row.shared_mb += static_cast<double>(file.bytes) / 1e6;
      }
    }
    return row;
  }

  void drop(int model_mb, const std::string& mode) { templates_->drop(fmt::format("{}-{}", mode, model_mb)); }

 private:
  SandboxSpec spec(int model_mb, const std::string& mode, int64_t input_size) {
    SandboxSpec s;
    s.id = fmt::format("bench-{}", ++serial_);
    s.task_dir = functions_ / (model_mb == 0 ? "echo" : "cold_start");
    s.memory_limit = Bytes{static_cast<int64_t>(model_mb) * 3'000'000 + 512'000'000};
    s.env = {"LANG=C", fmt::format("SIZE={}", input_size), mode == "snapshot" ? "STYLE=shared" : "STYLE=plain"};
    if (model_mb > 0) {
      s.mounts = {{models_, "/mnt/models", false}};
      s.env.push_back(fmt::format("MODEL=/mnt/models/random-{}.onnx", model_mb));
    }
    return s;
  }

  template <typename Done>
  Result<void> until(Done done, const ApiPeer* peer = nullptr) {
    const SteadyTime end = clock_.now() + Seconds(300);
    while (!done()) {
      if (clock_.now() > end) return fail(Code::kTimeout, "an instance did not answer within 300 s");
      pollfd wait[3] = {{spawner_->eventFd(), POLLIN, 0},
                        {templates_->eventFd(), POLLIN, 0},
                        {peer ? peer->waitFd() : -1, POLLIN, 0}};
      poll(wait, 3, 1000);
      if (wait[0].revents) spawner_->onReadable();
      if (wait[1].revents) templates_->onReadable();
    }
    return {};
  }

  Result<void> makeTemplate(const std::string& key, SandboxSpec spec) {
    std::optional<Result<void>> told;
    templates_->prepare(key, std::move(spec), 0, [&](Result<void> result) { told = std::move(result); });
    TRY_VOID(until([&] { return told.has_value(); }));
    if (!*told) return Failure(told->error().with(key + " " + templates_->log(key)));
    // Its first sandbox for a fork is made while nothing else is to be done; give it that moment.
    const SteadyTime rest = clock_.now() + Millis(50);
    while (clock_.now() < rest) poll(nullptr, 0, 10);
    return {};
  }

  Result<std::unique_ptr<Live>> startOne(const std::string& template_key, SandboxSpec spec) {
    // Requests do not come back to back: the pool of prepared sandboxes has time to fill up again.
    poll(nullptr, 0, 20);
    auto live = std::make_unique<Live>();
    std::optional<Error> error;
    const SteadyTime begin = clock_.now();
    auto adopt = [&, raw = live.get()](std::unique_ptr<Sandbox> sandbox) {
      raw->sandbox = std::move(sandbox);
      raw->api = std::make_unique<ApiPeer>(raw->sandbox->takeApiListener());
      raw->output = raw->sandbox->takeOutput();
      raw->sandbox->onExit([raw](const sandbox::ExitInfo&) { raw->ended = true; });
    };
    if (template_key.empty()) {
      spawner_->spawn(std::move(spec),
                      [&](auto result) { result ? adopt(std::move(*result)) : void(error = result.error()); });
    } else {
      templates_->start(template_key, std::move(spec), [&](Result<snapshot::Templates::Started> started) {
        if (!started) return void(error = started.error());
        if (started->kind != snapshot::StartKind::kRestored) error = Error{Code::kInternal, started->why_ordinary};
        adopt(std::move(started->sandbox));
      });
    }
    TRY_VOID(until([&] { return error || live->sandbox; }));
    if (error) return Failure(*error);
    TRY(auto request, take(*live));
    if (!request.path.ends_with("/invocation/next")) return fail(Code::kInternal, request.path + " " + request.body);
    live->ready_ms = static_cast<double>((clock_.now() - begin).count()) / 1e6;
    return live;
  }

  Result<ApiRequest> take(Live& live) {
    std::optional<ApiRequest> got;
    TRY_VOID(until([&] { return (got = live.api->take()).has_value() || live.ended; }, live.api.get()));
    if (got) return *got;
    char text[1000] = {};
    (void)!read(live.output.get(), text, sizeof text - 1);
    return fail(Code::kInternal, fmt::format("an instance ended: {}", text));
  }

  /// One event, and the wait for its answer; milliseconds.
  Result<double> ask(Live& live) {
    const SteadyTime begin = clock_.now();
    if (!live.api->sendEvent("r", "{}")) return fail(Code::kInternal, "an instance hung up");
    TRY(auto answer, take(live));
    const double ms = static_cast<double>((clock_.now() - begin).count()) / 1e6;
    if (!answer.path.ends_with("/response")) return fail(Code::kInternal, answer.body);
    live.api->reply("202 Accepted", "", "{}");
    TRY(auto next, take(live));
    return ms;
  }

  Result<void> endOne(Live& live) {
    live.sandbox->kill();
    return until([&] { return live.ended; });
  }

  const ColdStartOptions& options_;
  fs::path functions_, models_;
  RealClock clock_;
  std::optional<TempDir> keeper_folder_;
  std::unique_ptr<model::Keeper> keeper_;
  std::unique_ptr<sandbox::Spawner> spawner_;
  std::unique_ptr<snapshot::Templates> templates_;
  int serial_ = 0;
};

}  // namespace

Result<void> runColdStart(const ColdStartOptions& options, const std::function<void(const ColdStartRow&)>& on_row,
                          const std::function<void(const std::string&)>& on_progress) {
  std::error_code ec;
  fs::path functions = options.functions_dir;
  if (functions.empty()) functions = fs::read_symlink("/proc/self/exe", ec).parent_path() / "functions";
  if (!fs::exists(functions / "cold_start/bootstrap", ec)) {
    return fail(Code::kNotFound, "the measured function is missing: " + (functions / "cold_start/bootstrap").string() +
                                     " (build it with ./dev build)");
  }
  const fs::path models = options.models_dir.empty() ? cacheDir() / "bench-models" : options.models_dir;
  Bench bench(options, functions, models);
  TRY_VOID(bench.start());
  for (int model_mb : options.models_mb) {
    int64_t input_size = 0;
    if (model_mb > 0) {
      on_progress(fmt::format("generating a model of {} MB", model_mb));
      TRY(input_size, model::writeRandomModel(models / fmt::format("random-{}.onnx", model_mb), model_mb));
    }
    for (const std::string& mode : options.modes) {
      for (int instances : options.instances) {
        if (instances > 1 && mode != "snapshot" && model_mb > 0) continue;  // would need one copy of the weights each
        on_progress(fmt::format("{} MB, {}, {} instances", model_mb, mode, instances));
        TRY(auto row, bench.row(model_mb, mode, instances, input_size));
        on_row(row);
      }
      bench.drop(model_mb, mode);
    }
  }
  return {};
}

std::string coldStartPlot(const std::vector<ColdStartRow>& rows) {
  constexpr double kLeast = 0.1, kDecade = 60, kLeft = 80, kRight = 820, kBottom = 420;
  auto x = [](double mb) { return 110 + 110 * std::log2(std::max(mb, 64.0) / 64.0); };
  auto y = [=](double ms) { return kBottom - kDecade * std::log10(std::max(ms, kLeast) / kLeast); };
  std::string svg =
      "<svg xmlns='http://www.w3.org/2000/svg' width='860' height='540' font-family='sans-serif' font-size='13'>\n"
      "<rect width='860' height='540' fill='white'/><text x='80' y='24' font-size='16'>Time until a function with a large "
      "model is ready</text>\n";
  for (double ms = kLeast; ms < 200'000; ms *= 10) {
    const std::string label = ms < 999 ? fmt::format("{:g} ms", ms) : fmt::format("{:g} s", ms / 1000);
    svg += fmt::format("<line x1='{0}' x2='{1}' y1='{2}' y2='{2}' stroke='#ddd'/><text x='{3}' y='{4}' "
                       "text-anchor='end'>{5}</text>\n",
                       kLeft, kRight, y(ms), kLeft - 8, y(ms) + 4, label);
  }
  std::set<int> sizes;
  std::map<std::string, std::vector<const ColdStartRow*>> lines;
  for (const auto& row : rows) {
    sizes.insert(row.model_mb);
    lines[fmt::format("{}, {} alive", row.mode, row.instances)].push_back(&row);
  }
  for (const int mb : sizes) {
    svg += fmt::format("<text x='{:.0f}' y='445' text-anchor='middle'>{}</text>\n", x(mb),
                       mb == 0 ? "no model" : fmt::format("{} MB", mb));
  }
  const char* colours[] = {"#1b6ca8", "#c8553d", "#3a7d44", "#8d5a97", "#7f7f7f", "#b8860b"};
  size_t number = 0;
  for (const auto& [name, points] : lines) {
    const char* colour = colours[number % std::size(colours)];
    std::string path;
    for (const auto* row : points) {
      path += fmt::format("{}{:.0f},{:.0f} ", path.empty() ? "M" : "L", x(row->model_mb), y(row->ready_ms));
      svg += fmt::format("<circle cx='{:.0f}' cy='{:.0f}' r='4' fill='{}'/>\n", x(row->model_mb), y(row->ready_ms), colour);
    }
    svg += fmt::format("<path d='{}' fill='none' stroke='{}' stroke-width='2'/>\n", path, colour);
    const size_t column = number % 3, line = number / 3;
    svg += fmt::format("<circle cx='{0}' cy='{1}' r='4' fill='{2}'/><text x='{3}' y='{4}' fill='{2}'>{5}</text>\n",
                       90 + 240 * column, 480 + 22 * line, colour, 102 + 240 * column, 484 + 22 * line, name);
    ++number;
  }
  return svg + "</svg>\n";
}

}  // namespace lectern::engine
