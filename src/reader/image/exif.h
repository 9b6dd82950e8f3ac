#pragma once
#include <string_view>

namespace lectern::reader {

/// The Exif orientation (1..8) of a JPEG, 1 when there is none. Reads at most the first 128 KiB; never fails.
int exifOrientation(std::string_view jpeg);

/// True when a JPEG's header is complete and an end-of-image marker follows its picture: false when it was cut short.
bool jpegIsWhole(std::string_view jpeg);

}  // namespace lectern::reader
