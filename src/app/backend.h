#pragma once
// Where a document is read: in this process or in the embedded engine's functions.

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/inputs.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/slots.h"
#include "reader/page/page.h"

namespace lectern::app {

struct ReadJobOptions;

/// What a backend hears from and tells to the job while it reads one file.
struct ReadControl {
  const std::atomic<bool>& stop;  // set: give up soon
  Slots& slots;                   // of pages that are read at the same time, of however many documents
  std::function<void(int read, int pages)> on_page = {};  // after each page; pages: of the file. Thread-safe
};

class ReadBackend {
 public:
  virtual ~ReadBackend() = default;
  /// Reads the wanted pages of one file into document.pages, but those that are there already, adding timings and models;
  /// the rest of the document (name, ids, fields) is the job's. Called from several threads. Gives up with kCancelled
  /// soon after control.stop is set; the pages read until then are in the document.
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
