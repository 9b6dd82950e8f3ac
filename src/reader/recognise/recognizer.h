#pragma once
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/slots.h"
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

/// What a glance read, by the regions' indices.
using KnownLines = std::map<size_t, RecognisedLine>;

/// Reads lines of text. One call for all regions of a page; thread-safe.
class Recognizer {
 public:
  virtual ~Recognizer() = default;
  /// One result a region, in the regions' order, empty ones included. `known`: some of them as glance() read them, which
  /// saves reading them again. `spare`: cores that may help while they are free; or null.
  virtual Result<std::vector<RecognisedLine>> recognise(const Image& page, std::span<const TextRegion> regions,
                                                        const KnownLines& known, Slots* spare) const = 0;
  /// A first look at some regions that reads none of them twice: how sure it is tells which side is up.
  virtual Result<std::vector<RecognisedLine>> glance(const Image& page, std::span<const TextRegion> regions) const = 0;
  /// The models it reads with, the first one first.
  virtual std::vector<ModelUse> models() const = 0;
};

}  // namespace lectern::reader
