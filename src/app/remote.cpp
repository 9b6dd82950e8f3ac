#include <fmt/format.h>

#include <climits>
#include <cstdlib>
#include <filesystem>

#include "app/backend.h"
#include "app/pages.h"
#include "app/pdf_program.h"
#include "app/read_job.h"
#include "app/shared_folder.h"
#include "base/files.h"
#include "base/hash.h"
#include "engine/client.h"
#include "pack/endpoint.h"
#include "reader/image/decode.h"
#include "reader/image/encode.h"
#include "reader/output/json.h"

namespace lectern::app {

namespace fs = std::filesystem;

namespace {

constexpr int kPdfBatch = 8;
constexpr size_t kEventLimit = 6291456;  // of a synchronous invocation of Lambda
constexpr int kThrottled = 429;

/// What an endpoint that is no function's answer says, as one line.
Error refusal(const engine::RemoteResult& result, const std::string& function, const std::string& endpoint) {
  if (result.status == 404)
    return {Code::kNotFound, fmt::format("{} has no function '{}'; deploy it first", endpoint, function)};
  if (result.status == kThrottled)
    return {Code::kUnavailable, fmt::format("{} is throttling '{}'; lower --concurrency", endpoint, function)};
  if (result.status == 401 || result.status == 403) {
    return {Code::kDenied, fmt::format("{} refused the request; set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
                                       "AWS_REGION",
                                       endpoint)};
  }
  return {Code::kUnavailable,
          fmt::format("{}: status {}: {}", endpoint, result.status, functionError(result.payload).message)};
}

std::string region() {
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  }
  return "us-east-1";
}

/// Functions of any Lambda endpoint. With a shared folder files go by path, as with the embedded engine; without one
/// page images travel inside the events and PDFs are rendered here.
class RemoteBackend final : public ReadBackend {
 public:
  explicit RemoteBackend(const ReadJobOptions& options)
      : options_(options),
        client_(options.engine),
        call_([this](const std::string& function, const json::object& event) { return call(function, event); }) {}

  Result<void> readPages(const InputFile& file, reader::Document& document, const ReadControl& control) override {
    if (!options_.shared_here.empty()) {
      const SharedFolder shared{options_.shared_here, options_.shared_there};
      return readOverFolder(shared, options_.pages, call_, file, document, control);
    }
    TRY(const bool pdf, isPdf(file.path));
    if (pdf) return readPdf(file, document, control);
    TRY(const auto source, reader::ImageFile::open(file.path));
    TRY(const auto bytes, readFile(file.path));
    const json::string image(base64Encode(bytes));
    for (int n = 1; n <= source->pages(); ++n) {
      if (!wantsPage(options_.pages, n)) continue;
      if (control.stop) return fail(Code::kCancelled, "stopped");
      TRY_VOID(readOne({{"image_base64", image}, {"name", file.path.filename().string()}, {"page", n}, {"number", n}},
                       0, document));
      control.pageRead(document, source->pages());
    }
    return {};
  }

 private:
  /// Over https the end of the log and the header that tells of a function's error are not seen: the error's own shape
  /// tells.
  Result<engine::RemoteResult> invokeSecurely(const engine::RemoteInvoke& invoke) const {
    TRY(const auto event, parseJson(invoke.payload));
    TRY(const auto endpoint, pack::Endpoint::open(options_.engine, region(), clock_));
    TRY(auto answer, endpoint->send("POST", "/2015-03-31/functions/" + invoke.function + "/invocations", event));
    engine::RemoteResult result;
    result.status = answer.status;
    result.payload = std::move(answer.body);
    const auto value = parseJson(result.payload);
    if (value && value->is_object() && value->get_object().contains("errorType")) result.function_error = "Unhandled";
    return result;
  }

  Result<std::string> call(const std::string& function, const json::object& event) {
    engine::RemoteInvoke invoke;
    invoke.function = options_.function_prefix + function;
    invoke.payload = toJson(event);
    invoke.want_log = true;
    if (invoke.payload.size() > kEventLimit) {
      return fail(Code::kTooLarge,
                  fmt::format("as an event it has {} bytes, an invocation takes {}; give a folder that "
                              "the function sees, too, with --shared",
                              invoke.payload.size(), kEventLimit));
    }
    auto result = options_.engine.starts_with("https://") ? invokeSecurely(invoke) : client_.invoke(invoke);
    if (!result) return Failure(result.error().with(client_.endpoint()));
    if (result->status != 200) return Failure(refusal(*result, invoke.function, client_.endpoint()));
    if (!result->function_error.empty()) return Failure(functionError(result->payload, result->log));
    return std::move(result->payload);
  }

  Result<void> readOne(const json::object& event, int dpi, reader::Document& document) {
    TRY(const std::string payload, call("ocr", event));
    TRY(const auto answer, parseJson(payload));
    const auto* value = answer.is_object() ? answer.get_object().if_contains("page") : nullptr;
    if (value == nullptr) return fail(Code::kInternal, "the ocr function answered without a page");
    TRY(auto page, reader::pageFromJson(*value));
    if (dpi > 0) page.dpi = dpi;
    addMeasurements(answer.get_object(), document);
    document.pages.push_back(std::move(page));
    return {};
  }

  Result<void> readPdf(const InputFile& file, reader::Document& document, const ReadControl& control) {
    TRY(const auto folder, TempDir::create("lectern-pdf-"));
    int pages = INT_MAX;
    for (int first = 1; first <= pages; first += kPdfBatch) {
      if (nothingFrom(options_.pages, first)) break;
      if (!wantsAny(options_.pages, first, first + kPdfBatch - 1)) continue;
      TRY(const auto rendered,
          renderWithProgram(file.path, folder.path(), first, first + kPdfBatch - 1, options_.page_timeout_s));
      pages = rendered.pages;
      for (const auto& r : rendered.rendered) {
        if (!wantsPage(options_.pages, r.number)) continue;
        if (control.stop) return fail(Code::kCancelled, "stopped");
        TRY_VOID(readRendered(r, document));
        control.pageRead(document, pages);
      }
      for (const auto& r : rendered.rendered) {
        std::error_code ignored;
        fs::remove(r.image, ignored);
        if (!r.text.empty()) fs::remove(r.text, ignored);
      }
    }
    return {};
  }

  Result<void> readRendered(const RenderedPage& r, reader::Document& document) {
    TRY(const auto source, reader::ImageFile::open(r.image));
    TRY(const auto image, source->page(1));
    TRY(const auto png, reader::toPng(image));
    json::object event{{"image_base64", base64Encode(png)}, {"name", "page.png"}, {"page", 1}, {"number", r.number}};
    if (!r.text.empty()) {
      TRY(const auto text, readFile(r.text, mebibytes(64)));
      TRY(auto words, parseJson(text));
      event["words"] = std::move(words);
    }
    return readOne(event, r.dpi, document);
  }

  const ReadJobOptions options_;
  const engine::Client client_;
  const RealClock clock_;
  const CallFunction call_;
};

}  // namespace

Result<std::unique_ptr<ReadBackend>> makeRemoteBackend(const ReadJobOptions& options) {
  if (!options.shared_here.empty() && !fs::is_directory(options.shared_here))
    return fail(Code::kNotFound, "--shared: there is no folder " + options.shared_here.string());
  return std::unique_ptr<ReadBackend>(new RemoteBackend(options));
}

}  // namespace lectern::app
