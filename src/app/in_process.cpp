#include <algorithm>
#include <climits>

#include "app/backend.h"
#include "app/pdf_program.h"
#include "app/read_job.h"
#include "base/files.h"
#include "reader/image/decode.h"
#include "reader/output/json.h"
#include "reader/pipeline.h"

namespace lectern::app {

namespace {

constexpr int kPdfBatch = 8;  // pages rendered at once: bounds the disk that a long PDF takes

/// The monolith: models and pages in this process, as before any migration.
class InProcessBackend final : public ReadBackend {
 public:
  InProcessBackend(const ReadJobOptions& options, std::unique_ptr<reader::Reader> reader, const Clock& clock)
      : pages_(options.pages), page_timeout_s_(options.page_timeout_s), reader_(std::move(reader)), clock_(clock) {}

  Result<void> readPages(const InputFile& file, reader::Document& document, const ReadControl& control) override {
    document.models = reader_->models();
    TRY(const bool pdf, isPdf(file.path));
    if (pdf) return readPdf(file, document, control);
    TRY(auto source, reader::ImageFile::open(file.path));
    for (int n = 1; n <= source->pages(); ++n) {
      if (!wantsPage(pages_, n)) continue;
      if (control.stop) return fail(Code::kCancelled, "stopped");
      const SteadyTime start = clock_.now();
      TRY(const auto image, source->page(n));
      lap(document, "decode", start);
      TRY(auto page, reader_->readPage(image, n, document.timings));
      document.pages.push_back(std::move(page));
      control.pageRead(document, source->pages());
    }
    return {};
  }

 private:
  void lap(reader::Document& document, const char* stage, SteadyTime start) const {
    document.timings.push_back({stage, static_cast<double>((clock_.now() - start).count()) / 1e6});
  }

  Result<void> readPdf(const InputFile& file, reader::Document& document, const ReadControl& control) {
    TRY(const auto folder, TempDir::create("lectern-pdf-"));
    int pages = INT_MAX;
    for (int first = 1; first <= pages; first += kPdfBatch) {
      if (nothingFrom(pages_, first)) break;
      if (!wantsAny(pages_, first, first + kPdfBatch - 1)) continue;
      if (control.stop) return fail(Code::kCancelled, "stopped");
      const SteadyTime start = clock_.now();
      TRY(const auto rendered,
          renderWithProgram(file.path, folder.path(), first, first + kPdfBatch - 1, page_timeout_s_));
      lap(document, "render", start);
      pages = rendered.pages;
      for (const auto& r : rendered.rendered) {
        if (wantsPage(pages_, r.number)) {
          if (control.stop) return fail(Code::kCancelled, "stopped");
          TRY_VOID(readRendered(r, document));
          control.pageRead(document, pages);
        }
        std::error_code ignored;
        std::filesystem::remove(r.image, ignored);
        if (!r.text.empty()) std::filesystem::remove(r.text, ignored);
      }
    }
    return {};
  }

  Result<void> readRendered(const RenderedPage& r, reader::Document& document) {
    const SteadyTime start = clock_.now();
    TRY(auto source, reader::ImageFile::open(r.image));
    TRY(auto image, source->page(1));
    image.dpi = r.dpi;
    lap(document, "decode", start);
    if (!r.text.empty()) {
      TRY(const auto text, readFile(r.text, mebibytes(64)));
      TRY(const auto value, parseJson(text));
      TRY(auto words, reader::wordsFromJson(value));
      document.pages.push_back(reader_->readTextLayer(image, r.number, std::move(words), document.timings));
    } else {
      TRY(auto page, reader_->readPage(image, r.number, document.timings));
      document.pages.push_back(std::move(page));
    }
    return {};
  }

  const std::vector<PageRange> pages_;
  const int page_timeout_s_;
  const std::unique_ptr<reader::Reader> reader_;
  const Clock& clock_;
};

}  // namespace

bool wantsAny(const std::vector<PageRange>& ranges, int first, int last) {
  if (ranges.empty()) return true;
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const PageRange& r) { return r.first <= last && r.last >= first; });
}

bool wantsPage(const std::vector<PageRange>& ranges, int page) { return wantsAny(ranges, page, page); }

bool nothingFrom(const std::vector<PageRange>& ranges, int first) { return !wantsAny(ranges, first, INT_MAX); }

Result<bool> isPdf(const std::filesystem::path& path) {
  TRY(const auto head, readHead(path, 1024));
  return reader::looksLikePdf(head);
}

Result<std::unique_ptr<ReadBackend>> makeInProcessBackend(const ReadJobOptions& options, const Clock& clock) {
  reader::ReaderOptions reader_options;
  reader_options.detector = options.detector;
  reader_options.recognizer = options.recognizer;
  reader_options.languages = options.languages;
  reader_options.pages_at_once = std::max(1, options.concurrency);
  TRY(auto reader, reader::Reader::create(reader_options, clock));
  return std::unique_ptr<ReadBackend>(new InProcessBackend(options, std::move(reader), clock));
}

}  // namespace lectern::app
