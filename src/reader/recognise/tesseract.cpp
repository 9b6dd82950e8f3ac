#include "reader/recognise/tesseract.h"

#include <fmt/format.h>
#include <tesseract/baseapi.h>
#include <tesseract/resultiterator.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "model/files.h"
#include "reader/recognise/crop.h"
#include "reader/recognise/tessdata.h"
#include "reader/recognise/workers.h"

namespace lectern::reader {

namespace fs = std::filesystem;

/// Engines are not re-entrant: whoever reads a line borrows one.
struct TesseractRecognizer::Engines {
  std::mutex mutex;
  std::condition_variable returned;
  std::vector<std::unique_ptr<tesseract::TessBaseAPI>> free;

  std::unique_ptr<tesseract::TessBaseAPI> borrow() {
    std::unique_lock lock(mutex);
    returned.wait(lock, [&] { return !free.empty(); });
    auto engine = std::move(free.back());
    free.pop_back();
    return engine;
  }

  void giveBack(std::unique_ptr<tesseract::TessBaseAPI> engine) {
    const std::lock_guard lock(mutex);
    free.push_back(std::move(engine));
    returned.notify_one();
  }
};

namespace {

Result<std::unique_ptr<tesseract::TessBaseAPI>> makeEngine(const std::string& folder, const std::string& languages) {
  auto api = std::make_unique<tesseract::TessBaseAPI>();
  if (api->Init(folder.c_str(), languages.c_str(), tesseract::OEM_LSTM_ONLY) != 0) {
    return fail(Code::kCorrupt, fmt::format("Tesseract cannot load '{}' from {}", languages, folder));
  }
  api->SetPageSegMode(tesseract::PSM_SINGLE_LINE);
  // Polarity is decided from the crop; the second, inverted pass doubles the cost of every poor line.
  api->SetVariable("invert_threshold", "0");
  api->SetVariable("tessedit_do_invert", "0");
  // A result must not depend on the lines read before.
  api->SetVariable("classify_enable_learning", "0");
  api->SetVariable("user_defined_dpi", "300");
  api->SetVariable("debug_file", "/dev/null");
  return api;
}

}  // namespace

TesseractRecognizer::TesseractRecognizer(TesseractOptions options, std::unique_ptr<Engines> engines, ModelUse use)
    : options_(std::move(options)), engines_(std::move(engines)), use_(std::move(use)) {}
TesseractRecognizer::~TesseractRecognizer() = default;

Result<std::unique_ptr<TesseractRecognizer>> TesseractRecognizer::create(const TesseractOptions& options) {
  TRY(const std::string folder, tessdataFolder());
  TRY_VOID(checkLanguages(folder, options.languages));
  auto engines = std::make_unique<Engines>();
  for (int i = 0; i < options.threads; ++i) {
    TRY(auto api, makeEngine(folder, options.languages));
    engines->free.push_back(std::move(api));
  }
  const std::string first = options.languages.substr(0, options.languages.find('+'));
  TRY(std::string digest, model::modelSha256(fs::path(folder) / (first + ".traineddata")));
  return std::unique_ptr<TesseractRecognizer>(new TesseractRecognizer(
      options, std::move(engines), {"recognizer", "tesseract-" + options.languages, std::move(digest)}));
}

RecognisedLine TesseractRecognizer::readLine(tesseract::TessBaseAPI& engine, const Image& page,
                                             const TextRegion& region) const {
  RecognisedLine line;
  const Crop crop = cropRegion(page, region, {.height = options_.line_height, .border = options_.border});
  if (crop.pixels.empty()) return line;
  engine.SetImage(crop.pixels.data, crop.pixels.cols, crop.pixels.rows, 1, static_cast<int>(crop.pixels.step));
  if (engine.Recognize(nullptr) != 0) return line;
  const std::unique_ptr<tesseract::ResultIterator> it(engine.GetIterator());
  if (it == nullptr) return line;
  double weighted = 0;
  size_t characters = 0;
  do {
    const std::unique_ptr<char[]> text(it->GetUTF8Text(tesseract::RIL_WORD));
    int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
    if (text == nullptr || text[0] == '\0' || text[0] == ' ' ||
        !it->BoundingBox(tesseract::RIL_WORD, &x0, &y0, &x1, &y1)) {
      continue;
    }
    RecognisedWord word;
    word.text = text.get();
    word.confidence = std::clamp(it->Confidence(tesseract::RIL_WORD) / 100.0f, 0.0f, 1.0f);
    word.box = toPage(crop, cv::Rect2d(x0, y0, x1 - x0, y1 - y0), options_.border, region.box);
    weighted += word.confidence * static_cast<double>(word.text.size());
    characters += word.text.size();
    line.words.push_back(std::move(word));
  } while (it->Next(tesseract::RIL_WORD));
  if (characters > 0) line.confidence = static_cast<float>(weighted / static_cast<double>(characters));
  return line;
}

Result<std::vector<RecognisedLine>> TesseractRecognizer::recognise(const Image& page,
                                                                   std::span<const TextRegion> regions,
                                                                   const KnownLines& known, Slots* spare) const {
  std::vector<RecognisedLine> lines(regions.size());
  forEachIndex(static_cast<int>(regions.size()), spare, [&](int index) {
    const auto i = static_cast<size_t>(index);
    if (const auto found = known.find(i); found != known.end()) {
      lines[i] = found->second;
      return;
    }
    auto engine = engines_->borrow();
    lines[i] = readLine(*engine, page, regions[i]);
    engine->Clear();
    engines_->giveBack(std::move(engine));
  });
  return lines;
}

Result<std::vector<RecognisedLine>> TesseractRecognizer::glance(const Image& page,
                                                                std::span<const TextRegion> regions) const {
  return recognise(page, regions, {}, nullptr);
}

}  // namespace lectern::reader
