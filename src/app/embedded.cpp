#include "app/backend.h"
#include "app/pages.h"
#include "app/read_job.h"
#include "app/shared_folder.h"
#include "base/files.h"
#include "base/log.h"
#include "engine/engine.h"
#include "reader/recognise/tessdata.h"

namespace lectern::app {

namespace fs = std::filesystem;

namespace {

constexpr int kOneCoreMegabytes = 1769;  // the memory size at which Lambda gives one whole core
constexpr const char* kShared = "/mnt/lectern";

/// Functions of an engine inside this process.
class EmbeddedBackend final : public ReadBackend {
 public:
  EmbeddedBackend(std::vector<PageRange> pages, std::unique_ptr<engine::Engine> engine, TempDir shared, bool plain)
      : pages_(std::move(pages)),
        shared_(std::move(shared)),
        engine_(std::move(engine)),
        // Without a sandbox functions see the host's own paths.
        folder_{shared_.path(), plain ? shared_.path() : fs::path(kShared)},
        call_([this](const std::string& function, const json::object& event) { return call(function, event); }) {}

  Result<void> readPages(const InputFile& file, reader::Document& document, const ReadControl& control) override {
    return readOverFolder(folder_, pages_, call_, file, document, control);
  }

 private:
  Result<std::string> call(const std::string& function, const json::object& event) {
    const auto result = engine_->invoke({.function = function, .payload = toJson(event), .want_log = true});
    if (!result.ok()) return Failure(functionError(result.payload, result.log));
    return result.payload;
  }

  const std::vector<PageRange> pages_;
  const TempDir shared_;  // goes after the engine, whose functions have it mounted
  const std::unique_ptr<engine::Engine> engine_;
  const SharedFolder folder_;
  const CallFunction call_;
};

std::vector<engine::FunctionSpec> functionsFor(const ReadJobOptions& options, const fs::path& ocr, const fs::path& pdf,
                                               const fs::path& shared, const std::string& tessdata, bool plain) {
  engine::FunctionSpec spec;
  spec.name = "ocr";
  spec.code = ocr;
  spec.memory_mb = options.memory_mb > 0 ? options.memory_mb : kOneCoreMegabytes;
  spec.timeout_s = options.page_timeout_s;
  spec.environment = {{"LECTERN_DETECTOR", options.detector},
                      {"LECTERN_RECOGNIZER", options.recognizer},
                      {"LECTERN_LANGUAGES", options.languages},
                      {"LECTERN_MODELS", plain ? (assetsDir() / "models").string() : "/mnt/models"},
                      {"TESSDATA_PREFIX", plain ? tessdata : "/mnt/tessdata"},
                      {"OMP_THREAD_LIMIT", "1"}};
  if (!plain)
    spec.mounts = {
        {shared, kShared, true}, {assetsDir() / "models", "/mnt/models", false}, {tessdata, "/mnt/tessdata", false}};
  engine::FunctionSpec render = spec;
  render.name = "pdf";
  render.code = pdf;
  render.environment.clear();
  if (!plain) render.mounts = {{shared, kShared, true}};
  return {spec, render};
}

}  // namespace

Result<std::unique_ptr<ReadBackend>> makeEmbeddedBackend(const ReadJobOptions& options, const Clock&) {
  TRY(const auto ocr, functionBundle("ocr"));
  TRY(const auto pdf, functionBundle("pdf"));
  TRY(const auto tessdata, reader::tessdataFolder());
  if (options.recognizer == "tesseract") TRY_VOID(reader::checkLanguages(tessdata, options.languages));
  TRY(auto shared, TempDir::create("lectern-pages-"));
  fs::permissions(shared.path(), fs::perms::all);
  engine::EngineOptions engine_options;
  engine_options.allow_none = true;
  TRY(auto engine, engine::Engine::start(engine_options));
  const bool plain = engine->isolation().find("none") != std::string::npos;
  if (plain && !options.quiet) {
    logWarn(engine->isolation() + ": the functions run as plain processes with resource limits");
  } else if (engine->isolation().find("full") == std::string::npos && !options.quiet) {
    logWarn(engine->isolation());
  }
  for (const auto& spec : functionsFor(options, ocr, pdf, shared.path(), tessdata, plain))
    TRY_VOID(engine->addFunction(spec));
  return std::unique_ptr<ReadBackend>(new EmbeddedBackend(options.pages, std::move(engine), std::move(shared), plain));
}

}  // namespace lectern::app
