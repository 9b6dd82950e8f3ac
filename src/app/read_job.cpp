#include "app/read_job.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <thread>

#include "app/backend.h"
#include "app/done_marks.h"
#include "app/page_pictures.h"
#include "app/progress.h"
#include "app/staging.h"
#include "app/summary.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"
#include "reader/output/output.h"
#include "reader/pipeline.h"
#include "reader/searchable/searchable.h"
#include "reader/store/store.h"
#include "reader/workflow/workflow.h"

namespace lectern::app {

namespace fs = std::filesystem;

namespace {

std::atomic<bool> stop_requested{false};

void onSignal(int) {
  // A second signal ends at once.
  if (stop_requested.exchange(true)) _exit(130);
}

/// Catches SIGINT and SIGTERM for the life of a job and puts back what was there before.
class SignalGuard {
 public:
  SignalGuard() {
    stop_requested = false;
    struct sigaction action {};
    action.sa_handler = onSignal;
    sigaction(SIGINT, &action, &old_int_);
    sigaction(SIGTERM, &action, &old_term_);
  }
  ~SignalGuard() {
    sigaction(SIGINT, &old_int_, nullptr);
    sigaction(SIGTERM, &old_term_, nullptr);
  }

 private:
  struct sigaction old_int_ {
  }, old_term_{};
};

/// The output folder exists and can be written, before an hour of reading is spent.
Result<void> prepareFolder(const fs::path& out) {
  std::error_code ec;
  fs::create_directories(out, ec);
  if (ec || !fs::is_directory(out)) {
    return fail(Code::kDenied, fmt::format("cannot create the output folder {}: {}; choose another with --out",
                                           out.string(), ec ? ec.message() : "it is a file"));
  }
  const fs::path probe = out / ".lectern-probe";
  auto written = writeFileAtomic(probe, "x");
  fs::remove(probe, ec);
  if (!written) {
    return fail(written.error().code,
                fmt::format("cannot write to the output folder {} ({}); choose another with --out", out.string(),
                            written.error().message));
  }
  return {};
}

/// SQLite calls a full disk an input or output error in some places: says it plainly.
Error namingFullDisk(Error error, const fs::path& database) {
  constexpr std::uintmax_t kLittle = 64 << 10;
  std::error_code ec;
  const auto space = fs::space(fs::absolute(database).parent_path(), ec);
  if (ec || space.available > kLittle || error.code == Code::kNoSpace) return error;
  return {Code::kNoSpace, error.message + ", the disk is full"};
}

std::string settingsOf(const ReadJobOptions& o) {
  std::string text = fmt::format("1|{}|{}|{}|", o.detector, o.recognizer, o.languages);
  // What a function elsewhere reads with is its own affair.
  if (isEndpoint(o.engine)) text += o.engine + "|";
  for (const auto& f : o.formats) text += f + ",";
  for (const auto& p : o.pages) text += fmt::format("{}-{},", p.first, p.last);
  return text;
}

bool wantsPdf(const ReadJobOptions& o) { return std::find(o.formats.begin(), o.formats.end(), "pdf") != o.formats.end(); }

double millisOf(Nanos span) { return static_cast<double>(span.count()) / 1e6; }

class Job {
 public:
  Job(const ReadJobOptions& options, const Clock& clock, Inputs inputs)
      : options_(options),
        clock_(clock),
        inputs_(std::move(inputs)),
        marks_(options.out, settingsOf(options)),
        progress_(static_cast<int>(inputs_.files.size()), "documents", clock, options.quiet),
        slots_(static_cast<size_t>(std::max(1, options.concurrency))) {}

  Result<void> prepare();
  Summary run();

 private:
  void work();
  void readOne(const InputFile& file);
  Result<reader::Document> readDocument(const InputFile& file, const std::string& sha256);
  bool outputGone() const;
  Result<void> save(reader::Document& document, const InputFile& file);
  /// True when the document is done already; puts it into the database when it is not there.
  bool skip(const InputFile& file, const std::string& sha256);
  void failed(const std::string& what, const Error& error);

  const ReadJobOptions& options_;
  const Clock& clock_;
  const Inputs inputs_;
  const DoneMarks marks_;
  Progress progress_;
  Slots slots_;
  std::unique_ptr<ReadBackend> backend_;
  std::unique_ptr<reader::Store> store_;
  reader::Workflows workflows_;
  std::mutex mutex_;  // of store_ and summary_
  Summary summary_;
  std::atomic<size_t> next_{0};
  std::once_flag backend_once_;
  Error backend_error_;
};

Result<void> Job::prepare() {
  TRY_VOID(prepareFolder(options_.out));
  Staging::removeLeftovers(options_.out);
  std::error_code ec;
  const bool fresh = !fs::exists(options_.db, ec);
  auto store = reader::Store::open(options_.db);
  if (!store) {
    const Error error = namingFullDisk(store.error(), options_.db);
    for (const char* end : {"", "-wal", "-shm"}) {
      // Another failure may be of another run that makes it just now.
      if (fresh && error.code == Code::kNoSpace) fs::remove(options_.db.string() + end, ec);
    }
    return fail(error.code, fmt::format("cannot use the database {} ({}); choose another with --db",
                                        options_.db.string(), error.message));
  }
  store_ = std::move(*store);
  TRY(workflows_, reader::Workflows::load(*store_));
  return {};
}

void Job::failed(const std::string& what, const Error& error) {
  // Messages of the reading stages begin with the file's name already; the user gave a path.
  std::string message = error.message;
  const std::string file = fs::path(what).filename().string();
  for (const std::string& name : {what, file, printable(file, '_')}) {
    if (message.starts_with(name + ": ")) message.erase(0, name.size() + 2);
  }
  progress_.message(fmt::format("lectern: {}: {}", what, message));
  const std::lock_guard lock(mutex_);
  summary_.failures.push_back({printable(what), printable(message)});
}

bool Job::skip(const InputFile& file, const std::string& sha256) {
  if (options_.force || !marks_.isDone(file.name, sha256)) return false;
  const std::lock_guard lock(mutex_);
  const auto present = store_->has(file.name, sha256);
  if (!present || !*present) {
    auto text = readFile(options_.out / (file.name + ".json"));
    if (!text) return false;
    auto document = reader::documentFromText(*text);
    if (!document || !store_->put(*document)) return false;
  }
  ++summary_.skipped;
  return true;
}

Result<reader::Document> Job::readDocument(const InputFile& file, const std::string& sha256) {
  const SteadyTime begun = clock_.now();
  reader::Document document;
  if (!options_.force) document = marks_.keptPages(file.name, sha256);
  document.name = file.name;
  document.sha256 = sha256;
  const ReadControl control{stop_requested, slots_, [&](int read, int pages) {
                              if (pages > 1) progress_.page(file.path.string(), read, pages);
                            }};
  if (auto read = backend_->readPages(file, document, control); !read) {
    if (document.pages.empty()) return Failure(read.error());
    if (stop_requested) {
      progress_.message(fmt::format("lectern: {}: stopped; {} pages are kept", file.path.string(), document.pages.size()));
    }
    marks_.keepPages(std::move(document));
    return Failure(read.error());
  }
  if (document.pages.empty()) {
    return fail(Code::kInvalid, options_.pages.empty() ? "it has no pages" : "none of the wanted pages is in it");
  }
  const SteadyTime start = clock_.now();
  reader::finishDocument(document);
  reader::nameTables(document, file.name);
  TRY_VOID(workflows_.apply(document, clock_));
  const SteadyTime end = clock_.now();
  document.timings.push_back({"finish", millisOf(end - start)});
  closeTimings(document.timings, millisOf(end - begun));
  return document;
}

bool Job::outputGone() const {
  std::error_code ec;
  return !fs::exists(options_.out, ec) || !fs::exists(options_.db, ec);
}

Result<void> Job::save(reader::Document& document, const InputFile& file) {
  if (outputGone()) {
    return fail(Code::kNotFound, "the output folder or its database was removed meanwhile; run the same command again");
  }
  // All files are written before any takes its place: a disk that fills up leaves what was there before, and no parts.
  TRY(auto staging, Staging::create(options_.out, file.name));
  TRY(auto files, reader::writeOutputs(document, file.name, options_.formats, staging.folder(),
                                       picturesOf(file.path, options_.page_timeout_s)));
  if (wantsPdf(options_)) {
    const fs::path pdf = staging.folder() / (file.name + ".pdf");
    TRY_VOID(reader::writeSearchablePdf(document, file.path, pdf));
    files.insert(files.begin(), pdf);  // NAME.json stays last: it marks a finished document
  }
  {
    const std::lock_guard lock(mutex_);
    if (auto put = store_->put(document); !put)
      return Failure(namingFullDisk(put.error().with(options_.db.string()), options_.db));
  }
  TRY_VOID(staging.commit(files));
  marks_.markDone(file.name, document.sha256);
  return {};
}

void Job::readOne(const InputFile& file) {
  const SteadyTime start = clock_.now();
  std::error_code ec;
  if (wantsPdf(options_) && fs::equivalent(options_.out / (file.name + ".pdf"), file.path, ec)) {
    return failed(file.path.string(),
                  {Code::kInvalid, "its searchable PDF would take its place; choose another folder with --out"});
  }
  auto sha256 = sha256HexOfFile(file.path);
  if (!sha256) return failed(file.path.string(), sha256.error());
  if (skip(file, *sha256)) return progress_.done(file.path.string(), "done before");
  // Models are loaded when the first document needs them: a run that only skips starts none.
  std::call_once(backend_once_, [&] {
    auto made = makeBackend(options_, clock_);
    if (made)
      backend_ = std::move(*made);
    else
      backend_error_ = made.error();
  });
  if (backend_ == nullptr) {
    stop_requested = true;
    return;
  }
  const SteadyTime begun = clock_.now();
  auto document = readDocument(file, *sha256);
  const SteadyTime read = clock_.now();
  if (!document) {
    if (document.error().code == Code::kCancelled && stop_requested) return;
    return failed(file.path.string(), document.error());
  }
  if (auto saved = save(*document, file); !saved) {
    failed(file.path.string(), saved.error());
    // Every other document would end the same way; not so when it is the source that was removed.
    if (saved.error().code == Code::kNoSpace || outputGone()) stop_requested = true;
    return;
  }
  const SteadyTime end = clock_.now();
  const double millis = millisOf(end - start);
  // With the first document engine or models start.
  document->timings.push_back({"start", millisOf(begun - start)});
  document->timings.push_back({"save", millisOf(end - read)});
  DocumentSummary line = summarize(*document, file, options_.out, millis);
  progress_.done(file.path.string(), fmt::format("{} words, {:.0f} ms", line.words, millis));
  const std::lock_guard lock(mutex_);
  summary_.documents.push_back(std::move(line));
}

void Job::work() {
  for (size_t i = next_++; i < inputs_.files.size() && !stop_requested; i = next_++) readOne(inputs_.files[i]);
}

Summary Job::run() {
  const SteadyTime start = clock_.now();
  for (const auto& fault : inputs_.faults) failed(fault.message.substr(0, fault.message.find(": ")), fault);
  const SignalGuard guard;
  // Functions have cores of their own: while they read, one more thread here finishes and saves what came before.
  const size_t savers = options_.engine == "in-process" ? 0 : 1;
  const size_t workers = std::min(slots_.count() + savers, inputs_.files.size());
  std::vector<std::thread> threads;
  for (size_t w = 1; w < workers; ++w) threads.emplace_back([this] { work(); });
  work();
  for (auto& t : threads) t.join();
  if (backend_ == nullptr && !backend_error_.message.empty()) failed("reading", backend_error_);
  summary_.stopped = stop_requested && backend_error_.message.empty();
  summary_.wanted = inputs_.files.size();
  summary_.wall_millis = static_cast<double>((clock_.now() - start).count()) / 1e6;
  std::sort(summary_.documents.begin(), summary_.documents.end(),
            [](const auto& a, const auto& b) { return a.source < b.source; });
  return std::move(summary_);
}

}  // namespace

Result<std::unique_ptr<ReadBackend>> makeBackend(const ReadJobOptions& options, const Clock& clock) {
  if (options.engine == "embedded") return makeEmbeddedBackend(options, clock);
  if (options.engine == "in-process") return makeInProcessBackend(options, clock);
  if (isEndpoint(options.engine)) return makeRemoteBackend(options);
  return fail(Code::kInvalid,
              "unknown engine '" + options.engine + "'; there are embedded, in-process and http://HOST:PORT");
}

bool isEndpoint(const std::string& engine) { return engine.starts_with("http://") || engine.starts_with("https://"); }

int runReadJob(const ReadJobOptions& given, const Clock& clock) {
  ReadJobOptions options = given;
  if (options.db.empty()) options.db = options.out / "documents.db";
  if (options.concurrency <= 0) options.concurrency = std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
  Job job(options, clock, collectInputs(options.paths));
  if (auto ready = job.prepare(); !ready) {
    fmt::print(stderr, "lectern: {}\n", printable(ready.error().message));
    return 1;
  }
  const Summary summary = job.run();
  printSummary(summary, options);
  return summary.failures.empty() && !summary.stopped ? 0 : 1;
}

}  // namespace lectern::app
