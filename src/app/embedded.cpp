#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <condition_variable>

#include "app/backend.h"
#include "app/pages.h"
#include "app/read_job.h"
#include "base/files.h"
#include "base/log.h"
#include "engine/engine.h"
#include "reader/image/decode.h"
#include "reader/output/json.h"
#include "reader/recognise/tessdata.h"

namespace lectern::app {

namespace fs = std::filesystem;

namespace {

constexpr int kOneCoreMegabytes = 1769;  // the memory size at which Lambda gives one whole core
constexpr int kPdfBatch = 8;
constexpr const char* kShared = "/mnt/lectern";

/// Functions of an engine inside this process. The shared folder of one document lives as long as its reading.
class EmbeddedBackend final : public ReadBackend {
 public:
  EmbeddedBackend(std::vector<PageRange> pages, std::unique_ptr<engine::Engine> engine, TempDir shared, bool plain)
      : pages_(std::move(pages)), plain_(plain), shared_(std::move(shared)), engine_(std::move(engine)) {}

  Result<void> readPages(const InputFile& file, reader::Document& document, const ReadControl& control) override {
    TRY(const auto folder, Handover::create(shared_.path()));
    TRY(const bool pdf, isPdf(file.path));
    // The file keeps its own name inside, so that messages name what the user gave.
    const fs::path copy = folder.path() / file.path.filename();
    if (auto copied = copyFile(file.path, copy); !copied) {
      return fail(copied.error().code, "cannot hand it to the function: " + copied.error().message +
                                           "; TMPDIR names another folder for pages under way");
    }
    if (pdf) return readPdf(copy, folder.path(), document, control);
    TRY(auto source, reader::ImageFile::open(copy));
    for (int n = 1; n <= source->pages(); ++n) {
      if (!wantsPage(pages_, n)) continue;
      if (control.stop) return fail(Code::kCancelled, "stopped");
      TRY_VOID(readOne({{"image", inside(copy)}, {"page", n}, {"number", n}}, folder.path(), 0, document));
      control.pageRead(document, source->pages());
    }
    return {};
  }

 private:
  /// A folder of one document below the shared one, open to the function's user.
  class Handover {
   public:
    static Result<Handover> create(const fs::path& shared) {
      std::string name = (shared / "doc-XXXXXX").string();
      if (mkdtemp(name.data()) == nullptr) return failErrno("create a folder for the function", errno);
      fs::permissions(name, fs::perms::all);
      return Handover(name);
    }
    explicit Handover(fs::path path) : path_(std::move(path)) {}
    Handover(Handover&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
    ~Handover() {
      std::error_code ignored;
      if (!path_.empty()) fs::remove_all(path_, ignored);
    }
    const fs::path& path() const { return path_; }

   private:
    fs::path path_;
  };

  std::string inside(const fs::path& path) const {
    if (plain_) return path.string();
    return (kShared / fs::relative(path, shared_.path())).string();
  }
  fs::path outside(const std::string& path) const {
    if (plain_) return path;
    return shared_.path() / fs::path(path).lexically_relative(kShared);
  }

  Result<std::string> call(const std::string& function, const json::object& event) {
    const auto result = engine_->invoke({.function = function, .payload = toJson(event), .want_log = true});
    if (!result.ok()) return Failure(functionError(result.payload, result.log));
    return result.payload;
  }

  Result<void> readOne(json::object event, const fs::path& folder, int dpi, reader::Document& document) {
    const fs::path output = folder / fmt::format("page-{}.json", document.pages.size() + 1);
    event["output"] = inside(output);
    TRY(const std::string payload, call("ocr", event));
    TRY(const auto answer, parseJson(payload));
    std::error_code ec;
    if (!fs::exists(output, ec)) return fail(Code::kInternal, "the ocr function answered without writing the page");
    TRY(const std::string text, readFile(output, mebibytes(256)));
    TRY(const auto value, parseJson(text));
    TRY(auto page, reader::pageFromJson(value));
    if (dpi > 0) page.dpi = dpi;
    if (answer.is_object()) addMeasurements(answer.get_object(), document);
    document.pages.push_back(std::move(page));
    std::error_code ignored;
    fs::remove(output, ignored);
    return {};
  }

  Result<void> readPdf(const fs::path& copy, const fs::path& folder, reader::Document& document,
                       const ReadControl& control) {
    int pages = INT_MAX;
    for (int first = 1; first <= pages; first += kPdfBatch) {
      if (nothingFrom(pages_, first)) break;
      if (!wantsAny(pages_, first, first + kPdfBatch - 1)) continue;
      if (control.stop) return fail(Code::kCancelled, "stopped");
      TRY(const auto payload,
          call("pdf",
               {{"pdf", inside(copy)}, {"out", inside(folder)}, {"first", first}, {"last", first + kPdfBatch - 1}}));
      TRY(const auto rendered, renderedFromJson(payload));
      pages = rendered.pages;
      for (const auto& r : rendered.rendered) {
        json::object event{{"image", r.image}, {"page", 1}, {"number", r.number}};
        if (!r.text.empty()) event["text"] = r.text;
        if (wantsPage(pages_, r.number)) {
          if (control.stop) return fail(Code::kCancelled, "stopped");
          TRY_VOID(readOne(std::move(event), folder, r.dpi, document));
          control.pageRead(document, pages);
        }
        std::error_code ignored;
        fs::remove(outside(r.image), ignored);
        if (!r.text.empty()) fs::remove(outside(r.text), ignored);
      }
    }
    return {};
  }

  const std::vector<PageRange> pages_;
  const bool plain_;      // no sandbox: functions see the host's own paths
  const TempDir shared_;  // goes after the engine, whose functions have it mounted
  const std::unique_ptr<engine::Engine> engine_;
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
  TRY_VOID(reader::checkLanguages(tessdata, options.languages));
  TRY(auto shared, TempDir::create("lectern-pages-"));
  fs::permissions(shared.path(), fs::perms::all);
  engine::EngineOptions engine_options;
  engine_options.allow_none = true;
  TRY(auto engine, engine::Engine::start(engine_options));
  const bool plain = engine->isolation().find("none") != std::string::npos;
  if (engine->isolation().find("full") == std::string::npos && !options.quiet) logWarn(engine->isolation());
  for (const auto& spec : functionsFor(options, ocr, pdf, shared.path(), tessdata, plain))
    TRY_VOID(engine->addFunction(spec));
  return std::unique_ptr<ReadBackend>(new EmbeddedBackend(options.pages, std::move(engine), std::move(shared), plain));
}

}  // namespace lectern::app
