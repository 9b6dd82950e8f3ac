#pragma once
// PP-OCR's CTC recognisers through ONNX Runtime, lines batched by width: a small network reads every line, a larger one
// reads those again of which the small one is not sure.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "reader/recognise/recognizer.h"

namespace lectern::reader {

struct PpocrOptions {
  std::string model = "rec-latin";
  std::string second_model = "ppocr-v6-rec-small";  // empty: no line is read twice
  float sure = 0.94f;  // confidence of a line from which on it is not read again
  /// Page pixels of a found region: lower ones go to the second network straight away, since signs, superscripts and serifs
  /// of small print are what the first one loses.
  double least_height_for_first = 15;
  /// Lines read with less come back empty: they are pictures and specks rather than text.
  float readable = 0.55f;
  double grow = 0.15;   // what a crop takes from around its region, in heights: the networks know lines with some ground
  int batch = 6;
};

class PpocrRecognizer final : public Recognizer {
 public:
  static Result<std::unique_ptr<PpocrRecognizer>> create(const PpocrOptions& options);
  ~PpocrRecognizer() override;
  Result<std::vector<RecognisedLine>> recognise(const Image& page, std::span<const TextRegion> regions,
                                                const KnownLines& known, Slots* spare) const override;
  Result<std::vector<RecognisedLine>> glance(const Image& page, std::span<const TextRegion> regions) const override;
  std::vector<ModelUse> models() const override;

 private:
  PpocrRecognizer() = default;
  struct Job;
  struct Network;
  static Result<std::unique_ptr<Network>> load(const std::string& model, const char* role);
  std::vector<Job> cut(const Network& network, const Image& page, std::span<const TextRegion> regions,
                       std::span<const size_t> which) const;
  Result<void> readAll(const Network& network, std::span<Job> jobs, std::vector<RecognisedLine>& lines,
                       std::span<const TextRegion> regions, Slots* spare) const;
  Result<void> readBatch(const Network& network, std::span<Job> jobs, std::vector<RecognisedLine>& lines,
                         std::span<const TextRegion> regions) const;

  PpocrOptions options_;
  std::vector<std::unique_ptr<Network>> networks_;  // one or two
};

}  // namespace lectern::reader
