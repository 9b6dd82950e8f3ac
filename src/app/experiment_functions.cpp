#include "app/experiment_functions.h"

#include <fmt/core.h>

#include <algorithm>
#include <future>
#include <memory>
#include <vector>

#include "app/pages.h"
#include "base/files.h"
#include "base/hash.h"
#include "engine/engine.h"
#include "reader/recognise/tessdata.h"

namespace lectern::app {

namespace {

constexpr int kRepeats = 5;
constexpr int kAtOnceMemory = 512;  // a third of a core: some of them run beside each other on a small machine

/// The ocr function on an engine of its own, called with one image.
class OcrFunction {
 public:
  OcrFunction(std::unique_ptr<engine::Engine> engine, engine::FunctionSpec spec, std::string event, const Clock& clock)
      : engine_(std::move(engine)), spec_(std::move(spec)), event_(std::move(event)), clock_(clock) {}

  /// The next call at this size starts a new instance.
  Result<void> renew(int memory_mb) {
    spec_.memory_mb = memory_mb;
    spec_.environment["LECTERN_PROFILE_ROUND"] = std::to_string(++round_);
    return engine_->addFunction(spec_);
  }

  /// Sends `calls` at once; seconds until the last has its answer.
  Result<double> callAtOnce(int calls) {
    std::vector<std::promise<engine::InvokeResult>> answers(static_cast<size_t>(calls));
    const SteadyTime begun = clock_.now();
    for (auto& answer : answers) {
      engine_->invokeAsync({.function = spec_.name, .payload = event_},
                           [&answer](engine::InvokeResult result) { answer.set_value(std::move(result)); });
    }
    std::string failed;
    for (auto& answer : answers) {
      const engine::InvokeResult result = answer.get_future().get();
      if (!result.ok()) failed = result.payload.substr(0, 300);
    }
    if (!failed.empty()) return fail(Code::kUnavailable, "the ocr function failed: " + failed);
    return static_cast<double>((clock_.now() - begun).count()) / 1e9;
  }

 private:
  std::unique_ptr<engine::Engine> engine_;
  engine::FunctionSpec spec_;
  std::string event_;
  const Clock& clock_;
  int round_ = 0;
};

Result<OcrFunction> startFunction(const std::filesystem::path& image, const std::string& detector, const Clock& clock) {
  TRY(const auto code, functionBundle("ocr"));
  TRY(const auto tessdata, reader::tessdataFolder());
  TRY(const std::string bytes, readFile(image, mebibytes(4)));
  engine::EngineOptions options;
  options.functions_first = true;
  TRY(auto engine, engine::Engine::start(options));
  if (engine->isolation().find("full") == std::string::npos) return fail(Code::kUnavailable, engine->isolation());
  engine::FunctionSpec spec;
  spec.name = "ocr", spec.code = code, spec.timeout_s = 300;
  spec.environment = {{"LECTERN_DETECTOR", detector},
                      {"LECTERN_MODELS", "/mnt/models"},
                      {"TESSDATA_PREFIX", "/mnt/tessdata"},
                      {"OMP_THREAD_LIMIT", "1"}};
  spec.mounts = {{assetsDir() / "models", "/mnt/models", false}, {tessdata, "/mnt/tessdata", false}};
  std::string event =
      toJson(json::object{{"name", image.filename().string()}, {"image_base64", base64Encode(bytes)}});
  return OcrFunction(std::move(engine), std::move(spec), std::move(event), clock);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

Result<double> warmSeconds(OcrFunction& function, int calls, int repeats) {
  std::vector<double> seconds;
  for (int n = 0; n < repeats; ++n) {
    TRY(const double each, function.callAtOnce(calls));
    seconds.push_back(each);
  }
  return median(std::move(seconds));
}

}  // namespace

Result<void> measureFunctions(const std::filesystem::path& image, const std::string& detector, const Clock& clock,
                              plan::Calibration& calibration, const std::function<void(std::string_view)>& progress) {
  TRY(OcrFunction function, startFunction(image, detector, clock));
  plan::MeasuredFunctions& measured = calibration.functions;
  measured.at_once_memory_mb = kAtOnceMemory;
  for (const int memory : {256, 512, 768, 1024, 1769, 3008}) {
    progress(fmt::format("measuring: a function of {} MB", memory));
    TRY_VOID(function.renew(memory));
    TRY(const double cold, function.callAtOnce(1));
    (void)cold;
    TRY(const double warm, warmSeconds(function, 1, kRepeats));
    measured.memory_seconds.emplace_back(memory, warm);
  }
  for (const int calls : {1, 2, 4, 8, 16}) {
    progress(fmt::format("measuring: {} call{} at once, cold and warm", calls, calls == 1 ? "" : "s"));
    TRY_VOID(function.renew(kAtOnceMemory));
    TRY(const double cold, function.callAtOnce(calls));
    TRY(const double warm, warmSeconds(function, calls, 3));
    measured.cold_seconds.emplace_back(calls, cold);
    measured.warm_seconds.emplace_back(calls, warm);
  }
  return {};
}

}  // namespace lectern::app
