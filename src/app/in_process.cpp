#include <algorithm>

#include "app/backend.h"
#include "app/read_job.h"
#include "base/files.h"
#include "reader/image/decode.h"
#include "reader/pipeline.h"

namespace lectern::app {

bool wantsPage(const std::vector<PageRange>& ranges, int page) {
  if (ranges.empty()) return true;
  for (const auto& r : ranges) {
    if (page >= r.first && page <= r.last) return true;
  }
  return false;
}

namespace {

/// The monolith: models and pages in this process, as before any migration.
class InProcessBackend final : public ReadBackend {
 public:
  InProcessBackend(std::vector<PageRange> pages, std::unique_ptr<reader::Reader> reader, const Clock& clock)
      : pages_(std::move(pages)), reader_(std::move(reader)), clock_(clock) {}

  Result<void> readPages(const InputFile& file, reader::Document& document, const std::atomic<bool>& stop) override {
    document.models = reader_->models();
    TRY(auto source, reader::ImageFile::open(file.path));
    for (int n = 1; n <= source->pages(); ++n) {
      if (!wantsPage(pages_, n)) continue;
      if (stop) return fail(Code::kCancelled, "stopped");
      const SteadyTime start = clock_.now();
      TRY(const auto image, source->page(n));
      document.timings.push_back({"decode", static_cast<double>((clock_.now() - start).count()) / 1e6});
      TRY(auto page, reader_->readPage(image, n, document.timings));
      document.pages.push_back(std::move(page));
    }
    return {};
  }

 private:
  const std::vector<PageRange> pages_;
  const std::unique_ptr<reader::Reader> reader_;
  const Clock& clock_;
};

}  // namespace

Result<std::unique_ptr<ReadBackend>> makeInProcessBackend(const ReadJobOptions& options, const Clock& clock) {
  reader::ReaderOptions reader_options;
  reader_options.detector = options.detector;
  reader_options.recognizer = options.recognizer;
  reader_options.languages = options.languages;
  reader_options.pages_at_once = std::max(1, options.concurrency);
  TRY(auto reader, reader::Reader::create(reader_options, clock));
  return std::unique_ptr<ReadBackend>(new InProcessBackend(options.pages, std::move(reader), clock));
}

}  // namespace lectern::app
