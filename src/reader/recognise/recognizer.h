#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "reader/page/image.h"
#include "reader/page/page.h"

namespace lectern::reader {

struct RecognisedWord {
  std::string text;  // UTF-8 without white space
  Box box;           // page pixels, inside the region's box
  float confidence = 0;
};

struct RecognisedLine {
  std::vector<RecognisedWord> words;  // left to right; empty when nothing could be read
  float confidence = 0;               // 0..1, weighted by the words' lengths
};

/// Of lines that nothing could be read of, too; 0 without lines.
inline double meanConfidence(std::span<const RecognisedLine> lines) {
  double sum = 0;
  for (const auto& line : lines) sum += line.confidence;
  return lines.empty() ? 0 : sum / static_cast<double>(lines.size());
}

/// Reads lines of text. One call for all regions of a page; thread-safe.
class Recognizer {
 public:
  virtual ~Recognizer() = default;
  /// One result a region, in the regions' order, empty ones included.
  virtual Result<std::vector<RecognisedLine>> recognise(const Image& page,
                                                        std::span<const TextRegion> regions) const = 0;
  /// How sure it is of some regions at a first look, 0..1, without reading any of them twice: tells which side is up.
  virtual Result<double> confidence(const Image& page, std::span<const TextRegion> regions) const = 0;
  /// The models it reads with, the first one first.
  virtual std::vector<ModelUse> models() const = 0;
};

}  // namespace lectern::reader
