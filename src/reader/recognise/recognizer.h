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

/// Reads lines of text. One call for all regions of a page; thread-safe.
class Recognizer {
 public:
  virtual ~Recognizer() = default;
  /// One result a region, in the regions' order, empty ones included.
  virtual Result<std::vector<RecognisedLine>> recognise(const Image& page,
                                                        std::span<const TextRegion> regions) const = 0;
  /// The models it reads with, the first one first.
  virtual std::vector<ModelUse> models() const = 0;
};

}  // namespace lectern::reader
