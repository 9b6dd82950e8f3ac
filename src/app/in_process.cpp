#include "app/backend.h"
#include "app/page_loop.h"
#include "app/pdf_program.h"
#include "app/read_job.h"
#include "base/files.h"
#include "reader/image/decode.h"
#include "reader/output/json.h"
#include "reader/pipeline.h"

namespace lectern::app {

namespace {

/// The monolith: models and pages in this process, as before any migration.
class InProcessBackend final : public ReadBackend {
 public:
  InProcessBackend(const ReadJobOptions& options, std::unique_ptr<reader::Reader> reader, const Clock& clock)
      : pages_(options.pages), page_timeout_s_(options.page_timeout_s), reader_(std::move(reader)), clock_(clock) {}

  Result<void> readPages(const InputFile& file, reader::Document& document, const ReadControl& control) override {
    document.models = reader_->models();
    const auto read = [&](const RenderedPage& page, reader::Document& part) {
      return readOne(page, part, control.slots);
    };
    TRY(const bool pdf, isPdf(file.path));
    if (!pdf) {
      TRY(const auto source, pagesOfImage(file.path, read));
      return readInOrder(source, pages_, document, control);
    }
    TRY(const auto folder, TempDir::create("lectern-pdf-"));
    const auto render = [&](int first, int last) {
      const SteadyTime start = clock_.now();
      auto rendered = renderWithProgram(file.path, folder.path(), first, last, page_timeout_s_);
      lap(document, "render", start);
      return rendered;
    };
    return readInOrder({render, read, removeRendered}, pages_, document, control);
  }

 private:
  void lap(reader::Document& document, const char* stage, SteadyTime start) const {
    document.timings.push_back({stage, static_cast<double>((clock_.now() - start).count()) / 1e6});
  }

  Result<void> readOne(const RenderedPage& from, reader::Document& part, Slots& slots) {
    const SteadyTime start = clock_.now();
    TRY(const auto source, reader::ImageFile::open(from.image));
    TRY(auto image, source->page(from.in_file));
    if (from.dpi > 0) image.dpi = from.dpi;
    lap(part, "decode", start);
    if (!from.text.empty()) {
      TRY(const auto text, readFile(from.text, mebibytes(64)));
      TRY(const auto value, parseJson(text));
      TRY(auto words, reader::wordsFromJson(value));
      part.pages.push_back(reader_->readTextLayer(image, from.number, std::move(words), part.timings));
    } else {
      TRY(auto page, reader_->readPage(image, from.number, part.timings, &slots));
      part.pages.push_back(std::move(page));
    }
    return {};
  }

  const std::vector<PageRange> pages_;
  const int page_timeout_s_;
  const std::unique_ptr<reader::Reader> reader_;
  const Clock& clock_;
};

}  // namespace

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
