#pragma once
// The reading stages in order: read this first.
//
//   file -> ImageFile (decode) -> Detector (regions) -> Recognizer (all regions in one call) -> layOut (lines, blocks,
//   order) -> finishDocument (what needs all pages).
//
// A page is read by readPage wherever it runs: inside this process or inside the `ocr` function; the result is the
// same to the byte, timings apart.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/slots.h"
#include "reader/analyse.h"
#include "reader/page/image.h"
#include "reader/page/page.h"

namespace lectern::reader {

struct ReaderOptions {
  std::string detector = "auto";     // auto, ctpn, db
  std::string recognizer = "ppocr";  // tesseract, ppocr
  std::string languages = "eng";
  int pages_at_once = 1;  // callers of readPage
  /// Loads what only some pages need, too, for processes of which copies are made; otherwise when such a page comes.
  bool all_models = false;
  bool prepare = true;  // turn, straighten and clean pages that need it
};

class Reader {
 public:
  /// Loads the models. Errors name what to install or fetch.
  static Result<std::unique_ptr<Reader>> create(const ReaderOptions& options, const Clock& clock);
  ~Reader();

  /// Reads one page image. Thread-safe. Ids are not assigned yet (finishDocument does). Adds to `timings`. `spare`: of
  /// `pages_at_once` slots those that no page holds: their cores help; the result is the same. Or null.
  Result<Page> readPage(const Image& image, int number, std::vector<StageTiming>& timings,
                        Slots* spare = nullptr) const;

  /// A page whose words are known from the PDF itself; `image` is its rendering, boxes are in its pixels.
  Page readTextLayer(const Image& image, int number, std::vector<Word> words, std::vector<StageTiming>& timings) const;

  const std::vector<ModelUse>& models() const;

 private:
  struct Impl;
  explicit Reader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lectern::reader
