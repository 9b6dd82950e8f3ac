#pragma once
// A page image: 8-bit grey, rows without padding, 0 black and 255 white. Documents are read in grey: colour costs
// three times the memory and decides nothing that the stages measure.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lectern::reader {

struct Image {
  int width = 0;
  int height = 0;
  int dpi = 0;              // 0: unknown
  double source_scale = 1;  // pixels of the source for one pixel here; above 1 when a huge scan was decoded smaller
  int rotation = 0;         // degrees clockwise that turned the source upright
  std::vector<uint8_t> pixels;

  const uint8_t* row(int y) const { return pixels.data() + static_cast<size_t>(y) * static_cast<size_t>(width); }
  uint8_t* row(int y) { return pixels.data() + static_cast<size_t>(y) * static_cast<size_t>(width); }
  bool empty() const { return width <= 0 || height <= 0; }
};

}  // namespace lectern::reader
