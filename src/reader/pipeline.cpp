#include "reader/pipeline.h"

#include <cmath>
#include <future>

#include "reader/detect/by_print.h"
#include "reader/frame.h"
#include "reader/image/prepare.h"
#include "reader/layout/layout.h"
#include "reader/recognise/ppocr.h"
#include "reader/recognise/tesseract.h"
#include "reader/upright.h"

namespace lectern::reader {

struct Reader::Impl {
  const Clock& clock;
  std::unique_ptr<Detector> detector;
  std::unique_ptr<Recognizer> recognizer;
  std::vector<ModelUse> models;
  bool prepare;
};

namespace {

Result<std::unique_ptr<Detector>> makeDetector(const ReaderOptions& options) {
  if (options.detector == "auto") {
    TRY(auto made, DetectorByPrint::create(options.all_models));
    return std::unique_ptr<Detector>(std::move(made));
  }
  if (options.detector == "db") {
    TRY(auto db, DbDetector::create({}));
    return std::unique_ptr<Detector>(std::move(db));
  }
  if (options.detector == "ctpn" || options.detector.starts_with("ctpn-")) {
    CtpnOptions ctpn;
    if (options.detector != "ctpn") ctpn.model = options.detector;
    TRY(auto made, CtpnDetector::create(ctpn));
    return std::unique_ptr<Detector>(std::move(made));
  }
  return fail(Code::kInvalid, "unknown detector '" + options.detector + "'; there are auto, ctpn and db");
}

Result<std::unique_ptr<Recognizer>> makeRecognizer(const ReaderOptions& options) {
  if (options.recognizer == "tesseract") {
    TRY(auto tesseract,
        TesseractRecognizer::create({.languages = options.languages, .threads = options.pages_at_once}));
    return std::unique_ptr<Recognizer>(std::move(tesseract));
  }
  if (options.recognizer == "ppocr") {
    TRY(auto ppocr, PpocrRecognizer::create({}));
    return std::unique_ptr<Recognizer>(std::move(ppocr));
  }
  return fail(Code::kInvalid, "unknown recognizer '" + options.recognizer + "'; there are tesseract and ppocr");
}

/// Three decimals: what is written is what is kept, so that a page that went through a file is equal to one that did
/// not.
float rounded(float confidence) { return std::round(confidence * 1000.0f) / 1000.0f; }

class StageClock {
 public:
  StageClock(const Clock& clock, std::vector<StageTiming>& timings)
      : clock_(clock), timings_(timings), start_(clock.now()) {}
  void lap(const char* stage) {
    const SteadyTime now = clock_.now();
    timings_.push_back({stage, static_cast<double>((now - start_).count()) / 1e6});
    start_ = now;
  }

 private:
  const Clock& clock_;
  std::vector<StageTiming>& timings_;
  SteadyTime start_;
};

std::vector<LineInput> toLines(std::vector<TextRegion> regions, std::vector<RecognisedLine> read) {
  std::vector<LineInput> lines;
  for (size_t i = 0; i < regions.size(); ++i) {
    LineInput line{regions[i], {}};
    for (auto& w : read[i].words) {
      Word word;
      word.text = std::move(w.text);
      word.box = w.box;
      word.confidence = rounded(w.confidence);
      line.words.push_back(std::move(word));
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

Reader::Reader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Reader::~Reader() = default;
const std::vector<ModelUse>& Reader::models() const { return impl_->models; }

Result<std::unique_ptr<Reader>> Reader::create(const ReaderOptions& options, const Clock& clock) {
  // Each takes a core while it loads.
  auto recognizer_to_come = std::async(std::launch::async, [&] { return makeRecognizer(options); });
  TRY(auto detector, makeDetector(options));
  TRY(auto recognizer, recognizer_to_come.get());
  std::vector<ModelUse> models = detector->models();
  for (auto& use : recognizer->models()) models.push_back(std::move(use));
  return std::unique_ptr<Reader>(new Reader(
      std::unique_ptr<Impl>(new Impl{clock, std::move(detector), std::move(recognizer), std::move(models), options.prepare})));
}

namespace {
/// The page's size and resolution are those of its picture.
Page emptyPage(const Image& image, int number) {
  Page page;
  page.number = number;
  page.width = image.width;
  page.height = image.height;
  page.dpi = image.dpi;
  page.rotation = image.rotation;
  return page;
}
}  // namespace

Page Reader::readTextLayer(const Image& image, int number, std::vector<Word> words,
                           std::vector<StageTiming>& timings) const {
  StageClock stages(impl_->clock, timings);
  Page page = emptyPage(image, number);
  page.has_text_layer = true;
  for (auto& word : words) word.writing = Writing::kPrint;
  layOut(page, linesFromWords(std::move(words)));
  stages.lap("layout");
  analysePage(page, image);
  stages.lap("structure");
  return page;
}

Result<Page> Reader::readPage(const Image& source, int number, std::vector<StageTiming>& timings, Slots* spare) const {
  StageClock stages(impl_->clock, timings);
  Prepared prepared = impl_->prepare ? prepare(source) : Prepared{};
  const auto image = [&]() -> const Image& { return prepared.image ? *prepared.image : source; };
  stages.lap("prepare");
  TRY(auto regions, impl_->detector->detect(image()));
  if (impl_->prepare && prepared.quarters == 0 && mostlyUpended(regions)) {
    prepared = prepare(source, true);
    TRY(regions, impl_->detector->detect(image()));
  }
  stages.lap("detect");
  Uprightness upright;
  if (impl_->prepare) {
    TRY(upright, uprightness(*impl_->recognizer, image(), regions));
    if (upright.on_head) {
      regions = turnedRegions(regions, image().width, image().height);
      prepared.image = turned(image(), 2);
    }
    stages.lap("orient");
  }
  TRY(auto read, impl_->recognizer->recognise(image(), regions, upright.read, spare));
  stages.lap("recognise");
  Page page = emptyPage(image(), number);
  layOut(page, toLines(std::move(regions), std::move(read)));
  stages.lap("layout");
  analysePage(page, image());
  if (prepared.straightened_degrees != 0) {
    const bool sideways = prepared.quarters % 2 != 0;
    tiltPage(page, prepared.straightened_degrees, sideways ? source.height : source.width,
             sideways ? source.width : source.height);
  }
  if (source.source_scale != 1) scalePage(page, source.source_scale);
  stages.lap("structure");
  return page;
}

}  // namespace lectern::reader
