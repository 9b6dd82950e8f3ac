#pragma once
// Tesseract's LSTM recogniser in batch mode: all regions of a page in one call, one engine a line at a time.

#include <memory>
#include <string>
#include <vector>

#include "reader/recognise/recognizer.h"

namespace tesseract {
class TessBaseAPI;
}

namespace lectern::reader {

struct TesseractOptions {
  std::string languages = "eng";  // tessdata names joined by '+'
  int threads = 1;       // engines: lines that are read at once, over all pages
  int line_height = 48;  // of a crop: the network's input is 36 px tall, the crop has margins
  int border = 10;
};

class TesseractRecognizer final : public Recognizer {
 public:
  /// kNotFound names the package to install when a language is missing.
  static Result<std::unique_ptr<TesseractRecognizer>> create(const TesseractOptions& options);
  ~TesseractRecognizer() override;
  Result<std::vector<RecognisedLine>> recognise(const Image& page, std::span<const TextRegion> regions,
                                                const KnownLines& known, Slots* spare) const override;
  Result<std::vector<RecognisedLine>> glance(const Image& page, std::span<const TextRegion> regions) const override;
  std::vector<ModelUse> models() const override { return {use_}; }

 private:
  struct Engines;
  TesseractRecognizer(TesseractOptions options, std::unique_ptr<Engines> engines, ModelUse use);
  RecognisedLine readLine(tesseract::TessBaseAPI& engine, const Image& page, const TextRegion& region) const;

  TesseractOptions options_;
  std::unique_ptr<Engines> engines_;
  ModelUse use_;
};

}  // namespace lectern::reader
