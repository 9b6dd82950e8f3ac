#pragma once
// PP-OCR's CTC recogniser through ONNX Runtime, lines batched by width.

#include <memory>
#include <string>
#include <vector>

#include "reader/recognise/recognizer.h"

namespace lectern::model {
class Session;
}

namespace lectern::reader {

struct PpocrOptions {
  std::string model = "ppocr-v6-rec-small";
  int threads = 1;
  int batch = 6;
};

class PpocrRecognizer final : public Recognizer {
 public:
  static Result<std::unique_ptr<PpocrRecognizer>> create(const PpocrOptions& options);
  ~PpocrRecognizer() override;
  Result<std::vector<RecognisedLine>> recognise(const Image& page, std::span<const TextRegion> regions) const override;
  ModelUse model() const override { return use_; }

 private:
  PpocrRecognizer() = default;
  struct Job;
  Result<void> readBatch(std::span<Job> jobs, std::vector<RecognisedLine>& lines,
                         std::span<const TextRegion> regions) const;

  PpocrOptions options_;
  std::unique_ptr<model::Session> session_;
  std::vector<std::string> alphabet_;
  ModelUse use_;
};

}  // namespace lectern::reader
