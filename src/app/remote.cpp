#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "app/backend.h"
#include "app/page_loop.h"
#include "app/pages.h"
#include "app/pdf_program.h"
#include "app/read_job.h"
#include "app/shared_folder.h"
#include "base/files.h"
#include "base/text.h"
#include "base/hash.h"
#include "engine/client.h"
#include "pack/endpoint.h"
#include "reader/image/decode.h"
#include "reader/image/encode.h"
#include "reader/output/json.h"

namespace lectern::app {

namespace fs = std::filesystem;

namespace {

constexpr size_t kEventLimit = 6291456;  // of a synchronous invocation of Lambda
constexpr int kThrottled = 429;
// A throttled page is asked for again, as the AWS SDKs do: for about half a minute.
constexpr int kRepetitions = 10;
constexpr int kFirstWaitMillis = 100;
constexpr int kLongestWaitMillis = 5000;

bool isBusy(int status) { return status == kThrottled || status == 503; }

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
    if (!pdf) {
      TRY(const auto bytes, readFile(file.path));
      const json::string image(base64Encode(bytes));
      const auto name = printable(file.path.filename().string(), '_');
      TRY(const auto source, pagesOfImage(file.path, [&](const RenderedPage& page, reader::Document& part) {
            return readOne({{"image_base64", image}, {"name", name}, {"page", page.in_file}, {"number", page.number}},
                           0, part);
          }));
      return readInOrder(source, options_.pages, document, control);
    }
    TRY(const auto folder, TempDir::create("lectern-pdf-"));
    const auto render = [&](int first, int last) {
      return renderWithProgram(file.path, folder.path(), first, last, options_.page_timeout_s);
    };
    const auto read = [this](const RenderedPage& page, reader::Document& part) { return readRendered(page, part); };
    return readInOrder({render, read, removeRendered}, options_.pages, document, control);
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

  Result<engine::RemoteResult> send(const engine::RemoteInvoke& invoke) {
    return options_.engine.starts_with("https://") ? invokeSecurely(invoke) : client_.invoke(invoke);
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
    auto result = send(invoke);
    for (int again = 0; again < kRepetitions && result && isBusy(result->status); ++again) {
      poll(nullptr, 0, std::min(kLongestWaitMillis, kFirstWaitMillis << again));
      result = send(invoke);
    }
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
