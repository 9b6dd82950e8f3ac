#include "reader/image/encode.h"

#include <leptonica/allheaders.h>

#include <memory>

namespace lectern::reader {

Result<std::string> toPng(const Image& image) {
  if (image.empty()) return fail(Code::kInvalid, "an empty image");
  const auto drop = [](Pix* pix) { pixDestroy(&pix); };
  const std::unique_ptr<Pix, decltype(drop)> pix(pixCreateNoInit(image.width, image.height, 8), drop);
  if (pix == nullptr) return fail(Code::kTooLarge, "no memory for the page image");
  const auto words = static_cast<size_t>(pixGetWpl(pix.get()));
  for (int y = 0; y < image.height; ++y) {
    l_uint32* line = pixGetData(pix.get()) + static_cast<size_t>(y) * words;
    const uint8_t* row = image.row(y);
    for (int x = 0; x < image.width; ++x) SET_DATA_BYTE(line, x, row[x]);
  }
  l_uint8* bytes = nullptr;
  size_t size = 0;
  if (pixWriteMemPng(&bytes, &size, pix.get(), 0) != 0)
    return fail(Code::kInternal, "the page image cannot be packed");
  std::string out(reinterpret_cast<const char*>(bytes), size);
  lept_free(bytes);
  return out;
}

}  // namespace lectern::reader
