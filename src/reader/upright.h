#pragma once
#include <span>

#include "base/result.h"
#include "reader/page/image.h"
#include "reader/recognise/recognizer.h"

namespace lectern::reader {

/// Whether the lines of a page are read with more confidence upside down: a few short ones are read both ways, the
/// second way only when the first one leaves a doubt. On head is false when there is nothing to judge by.
struct Uprightness {
  bool on_head = false;
  KnownLines read;  // what was read of an upright page on the way
};
Result<Uprightness> uprightness(const Recognizer& recognizer, const Image& page, std::span<const TextRegion> regions);

/// True when most of the found text runs from top to bottom.
bool mostlyUpended(std::span<const TextRegion> regions);

/// The regions of a page of the given size after it was turned by half a circle, in the order that detectors give.
std::vector<TextRegion> turnedRegions(std::span<const TextRegion> regions, int width, int height);

}  // namespace lectern::reader
