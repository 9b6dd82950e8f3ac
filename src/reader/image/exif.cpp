#include "reader/image/exif.h"

#include <cstdint>

namespace lectern::reader {

namespace {

constexpr size_t kSearchBytes = 128 * 1024;
constexpr int kOrientationTag = 0x0112;

/// Bounds-checked reads of a TIFF structure in either byte order; out-of-range reads give 0.
struct TiffView {
  std::string_view bytes;
  bool little = false;

  uint32_t read(size_t at, int count) const {
    if (at + static_cast<size_t>(count) > bytes.size()) return 0;
    uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
      const auto b = static_cast<uint8_t>(bytes[at + static_cast<size_t>(little ? count - 1 - i : i)]);
      value = value << 8 | b;
    }
    return value;
  }
};

int orientationOfTiff(std::string_view tiff) {
  if (tiff.size() < 14) return 1;
  const TiffView view{tiff, tiff[0] == 'I'};
  const size_t directory = view.read(4, 4);
  const uint32_t entries = view.read(directory, 2);
  for (uint32_t i = 0; i < entries && i < 64; ++i) {
    const size_t entry = directory + 2 + size_t{12} * i;
    if (view.read(entry, 2) != kOrientationTag) continue;
    const uint32_t value = view.read(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace

int exifOrientation(std::string_view jpeg) {
  jpeg = jpeg.substr(0, kSearchBytes);
  if (jpeg.size() < 4 || jpeg.substr(0, 2) != "\xff\xd8") return 1;
  size_t at = 2;
  while (at + 4 <= jpeg.size() && static_cast<uint8_t>(jpeg[at]) == 0xff) {
    const auto marker = static_cast<uint8_t>(jpeg[at + 1]);
    if (marker == 0xda || marker == 0xd9) return 1;
    const size_t length = static_cast<uint8_t>(jpeg[at + 2]) * 256u + static_cast<uint8_t>(jpeg[at + 3]);
    if (length < 2) return 1;
    const std::string_view body = jpeg.substr(at + 4, length - 2);
    if (marker == 0xe1 && body.substr(0, 6) == std::string_view("Exif\0\0", 6))
      return orientationOfTiff(body.substr(6));
    at += 2 + length;
  }
  return 1;
}

bool jpegIsWhole(std::string_view jpeg) {
  if (jpeg.substr(0, 2) != "\xff\xd8") return false;
  size_t at = 2;
  while (at + 4 <= jpeg.size()) {
    const auto byte = [&](size_t offset) { return static_cast<uint8_t>(jpeg[at + offset]); };
    // Any number of fill bytes may stand before a marker; stray bytes are what decoders skip, too.
    if (byte(0) != 0xff || byte(1) == 0xff || byte(1) == 0) {
      ++at;
      continue;
    }
    if (byte(1) == 0xda) return jpeg.rfind("\xff\xd9") != std::string_view::npos && jpeg.rfind("\xff\xd9") > at;
    const bool alone = byte(1) == 0x01 || (byte(1) >= 0xd0 && byte(1) <= 0xd9);
    at += alone ? 2 : 2 + byte(2) * 256u + byte(3);
  }
  return false;
}

}  // namespace lectern::reader
