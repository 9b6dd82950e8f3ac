#pragma once
// Opens image files and hands out their pages, one at a time, in bounded memory.

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "reader/page/image.h"

namespace lectern::reader {

/// Limits that bound the memory of decoding. A page of max_source_pixels in colour takes 4 bytes a pixel while it is
/// decoded; what the stages see has at most max_pixels.
struct DecodeLimits {
  Bytes max_file = mebibytes(512);
  int64_t max_source_pixels = 250'000'000;
  int64_t max_pixels = 40'000'000;
  int max_side = 60'000;
};

class ImageFile {
 public:
  /// Opens by content, not by name. kInvalid when it is no image (says what it looks like), kTooLarge above the
  /// limits.
  static Result<std::unique_ptr<ImageFile>> open(const std::filesystem::path& path, const DecodeLimits& limits = {});
  ~ImageFile();
  int pages() const;
  /// Page n from 1, upright by its Exif orientation, transparency on white, 8-bit grey.
  Result<Image> page(int n) const;

 private:
  struct Impl;
  explicit ImageFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// True when the bytes begin like a PDF (the header may stand within the first 1024 bytes).
bool looksLikePdf(std::string_view head);

}  // namespace lectern::reader
