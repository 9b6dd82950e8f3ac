#pragma once
// Where a document is read: in this process or in the embedded engine's functions.

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>
#include <vector>

#include "app/inputs.h"
#include "base/clock.h"
#include "base/result.h"
#include "reader/page/page.h"

namespace lectern::app {

struct ReadJobOptions;

/// Bounds the pages that are read at the same time, of however many documents.
class PageSlots {
 public:
  explicit PageSlots(size_t count) : count_(count), free_(static_cast<std::ptrdiff_t>(count)) {}
  size_t count() const { return count_; }

  /// Holds one slot, waiting for it.
  class Use {
   public:
    explicit Use(PageSlots& slots) : slots_(slots) { slots_.free_.acquire(); }
    ~Use() { slots_.free_.release(); }
    Use(const Use&) = delete;

   private:
    PageSlots& slots_;
  };

 private:
  const size_t count_;
  std::counting_semaphore<> free_;
};

/// What a backend hears from and tells to the job while it reads one file.
struct ReadControl {
  const std::atomic<bool>& stop;  // set: give up soon
  PageSlots& slots;
  std::function<void(int read, int pages)> on_page = {};  // after each page; pages: of the file. Thread-safe
};

class ReadBackend {
 public:
  virtual ~ReadBackend() = default;
  /// Reads the wanted pages of one file into document.pages, adding timings and models; the rest of the document
  /// (name, ids, fields) is the job's. Called from several threads. Gives up with kCancelled soon after control.stop
  /// is set.
  virtual Result<void> readPages(const InputFile& file, reader::Document& document, const ReadControl& control) = 0;
};

/// The backend that options.engine names.
Result<std::unique_ptr<ReadBackend>> makeBackend(const ReadJobOptions& options, const Clock& clock);

Result<std::unique_ptr<ReadBackend>> makeInProcessBackend(const ReadJobOptions& options, const Clock& clock);

/// The function `ocr` in a sandbox of an engine inside this process; pages are handed over on a shared folder.
Result<std::unique_ptr<ReadBackend>> makeEmbeddedBackend(const ReadJobOptions& options, const Clock& clock);

/// The functions `ocr` and `pdf` of the Lambda endpoint that options.engine names.
Result<std::unique_ptr<ReadBackend>> makeRemoteBackend(const ReadJobOptions& options);

/// Looks at the file's first bytes.
Result<bool> isPdf(const std::filesystem::path& path);

}  // namespace lectern::app
