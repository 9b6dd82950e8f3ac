#include "reader/searchable/picture.h"

#include <fmt/format.h>
#include <leptonica/allheaders.h>
#include <tiffio.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>

#include "base/files.h"
#include "reader/image/decode.h"
#include "reader/image/encode.h"
#include "reader/image/exif.h"
#include "reader/image/prepare.h"

namespace lectern::reader {

namespace {

namespace fs = std::filesystem;

struct PixDeleter {
  void operator()(Pix* pix) const { pixDestroy(&pix); }
};
using PixPtr = std::unique_ptr<Pix, PixDeleter>;
struct TiffCloser {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};

Failure damaged() { return fail(Code::kCorrupt, "the picture is damaged or cut short"); }

uint32_t big(const std::string& s, size_t at, size_t bytes) {
  uint32_t v = 0;
  for (size_t i = 0; i < bytes && at + i < s.size(); ++i) v = v << 8 | static_cast<unsigned char>(s[at + i]);
  return v;
}

/// None when the JPEG is of a kind that DCTDecode does not know.
std::optional<Picture> fromJpeg(const std::string& file) {
  bool adobe = false;
  for (size_t at = 2; at + 9 < file.size();) {
    if (big(file, at, 1) != 0xff) return std::nullopt;
    const uint32_t marker = big(file, at + 1, 1);
    if (marker == 0xff) {  // fill bytes
      ++at;
      continue;
    }
    const uint32_t length = big(file, at + 2, 2);
    if (marker == 0xee && file.compare(at + 4, 5, "Adobe") == 0) adobe = true;
    if (marker >= 0xc0 && marker <= 0xc2) {  // baseline, extended, progressive
      if (big(file, at + 4, 1) != 8) return std::nullopt;
      const uint32_t height = big(file, at + 5, 2), width = big(file, at + 7, 2), components = big(file, at + 9, 1);
      const char* space = components == 1            ? "/DeviceGray"
                          : components == 3          ? "/DeviceRGB"
                          : components == 4 && adobe ? "/DeviceCMYK /Decode [1 0 1 0 1 0 1 0]"
                          : components == 4          ? "/DeviceCMYK"
                                                     : nullptr;
      if (space == nullptr || height == 0) return std::nullopt;
      const int orientation = exifOrientation(file);
      return Picture{fmt::format("/Width {} /Height {} /ColorSpace {} /BitsPerComponent 8 /Filter /DCTDecode", width,
                                 height, space),
                     file, orientation == 2 || orientation == 4 || orientation == 5 || orientation == 7};
    }
    const bool other_frame = marker >= 0xc3 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (other_frame || marker == 0xda) return std::nullopt;
    at += 2 + length;
  }
  return std::nullopt;
}

/// None for what PDF cannot take over: transparency and interlacing.
std::optional<Picture> fromPng(const std::string& file) {
  if (file.size() < 33) return std::nullopt;
  const uint32_t width = big(file, 16, 4), height = big(file, 20, 4);
  const uint32_t bits = big(file, 24, 1), type = big(file, 25, 1), interlace = big(file, 28, 1);
  if (interlace != 0 || (type != 0 && type != 2 && type != 3)) return std::nullopt;
  std::string palette, data;
  for (size_t at = 8; at + 12 <= file.size();) {
    const size_t length = big(file, at, 4);
    const std::string kind = file.substr(at + 4, 4);
    if (length > file.size() - at - 12 || kind == "tRNS") return std::nullopt;
    if (kind == "IDAT") data.append(file, at + 8, length);
    if (kind == "PLTE") palette = file.substr(at + 8, length);
    at += 12 + length;
  }
  std::string space = type == 0 ? "/DeviceGray" : "/DeviceRGB";
  if (type == 3) {
    if (palette.size() < 3) return std::nullopt;
    std::string hex;
    for (const char c : palette) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
    space = fmt::format("[/Indexed /DeviceRGB {} <{}>]", palette.size() / 3 - 1, hex);
  }
  return Picture{fmt::format("/Width {} /Height {} /ColorSpace {} /BitsPerComponent {} /Filter /FlateDecode "
                             "/DecodeParms << /Predictor 15 /Colors {} /BitsPerComponent {} /Columns {} >>",
                             width, height, space, bits, type == 2 ? 3 : 1, bits, width),
                 std::move(data)};
}

std::string fax(uint32_t width, uint32_t height, bool ones_are_black) {
  return fmt::format("/Width {} /Height {} /ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /CCITTFaxDecode "
                     "/DecodeParms << /K -1 /Columns {} /Rows {} >>{}",
                     width, height, width, height, ones_are_black ? "" : " /Decode [1 0]");
}

using TiffPtr = std::unique_ptr<TIFF, TiffCloser>;

TiffPtr openTiff(const fs::path& file, int number) {
  static std::once_flag quiet;
  std::call_once(quiet, [] {
    TIFFSetErrorHandler(nullptr);
    TIFFSetWarningHandler(nullptr);
  });
  TiffPtr tiff(TIFFOpen(file.c_str(), "r"));
  if (tiff != nullptr && TIFFSetDirectory(tiff.get(), static_cast<uint16_t>(number - 1)) == 0) tiff.reset();
  return tiff;
}

/// The page's own strip; none when it is not one strip of CCITT group 4 that stands upright.
std::optional<Picture> fromFaxStrip(TIFF* tiff) {
  uint32_t width = 0, height = 0;
  uint16_t compression = 0, photometric = 0, order = FILLORDER_MSB2LSB, orientation = ORIENTATION_TOPLEFT;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  TIFFGetField(tiff, TIFFTAG_COMPRESSION, &compression);
  TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_FILLORDER, &order);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
  if (compression != COMPRESSION_CCITTFAX4 || TIFFIsTiled(tiff) != 0 || TIFFNumberOfStrips(tiff) != 1 ||
      orientation != ORIENTATION_TOPLEFT || photometric > PHOTOMETRIC_MINISBLACK) {
    return std::nullopt;
  }
  // The size comes from the file: no more of it is taken than there is.
  const uint64_t size = TIFFRawStripSize64(tiff, 0);
  if (size == 0 || size > (256u << 20)) return std::nullopt;
  std::string bytes(size, '\0');
  if (TIFFReadRawStrip(tiff, 0, bytes.data(), static_cast<tmsize_t>(size)) != static_cast<tmsize_t>(size))
    return std::nullopt;
  if (order == FILLORDER_LSB2MSB)
    TIFFReverseBits(reinterpret_cast<uint8_t*>(bytes.data()), static_cast<tmsize_t>(size));
  return Picture{fax(width, height, photometric == PHOTOMETRIC_MINISWHITE), std::move(bytes)};
}

double pixelHeight(TIFF* tiff) {
  float x = 0, y = 0;
  TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &x);
  TIFFGetField(tiff, TIFFTAG_YRESOLUTION, &y);
  const double tall = x > 0 && y > 0 ? static_cast<double>(x / y) : 1;
  return tall >= 0.25 && tall <= 4 ? tall : 1;
}

Result<Picture> compressed(PixPtr pix) {
  if (pix == nullptr) return damaged();
  if (pixGetSpp(pix.get()) == 4) pix.reset(pixAlphaBlendUniform(pix.get(), 0xffffff00));
  if (pix != nullptr && pixGetDepth(pix.get()) == 1) {
    if (pixGetColormap(pix.get()) != nullptr) pix.reset(pixConvertTo1(pix.get(), 128));
    L_COMP_DATA* data = nullptr;
    if (pix == nullptr || pixGenerateCIData(pix.get(), L_G4_ENCODE, 0, 0, &data) != 0) return damaged();
    Picture out{fax(static_cast<uint32_t>(data->w), static_cast<uint32_t>(data->h), true),
                std::string(reinterpret_cast<const char*>(data->datacomp), data->nbytescomp)};
    l_CIDataDestroy(&data);
    return out;
  }
  l_uint8* bytes = nullptr;
  size_t size = 0;
  if (pix == nullptr || pixWriteMemPng(&bytes, &size, pix.get(), 0) != 0) return damaged();
  pix.reset();
  const std::string png(reinterpret_cast<const char*>(bytes), size);
  lept_free(bytes);
  auto picture = fromPng(png);
  if (!picture) return damaged();
  return std::move(*picture);
}

}  // namespace

Result<Picture> pictureOf(const fs::path& file, int number) {
  static std::once_flag quiet;
  std::call_once(quiet, [] { setMsgSeverity(L_SEVERITY_NONE); });
  TRY(const auto head, readHead(file, 8));
  if (head.starts_with(std::string_view("II*\0", 4)) || head.starts_with(std::string_view("MM\0*", 4))) {
    const TiffPtr tiff = openTiff(file, number);
    if (tiff == nullptr) return damaged();
    if (auto strip = fromFaxStrip(tiff.get())) {
      strip->tall = pixelHeight(tiff.get());
      return std::move(*strip);
    }
    TRY(auto picture, compressed(PixPtr(pixReadTiff(file.c_str(), number - 1))));
    picture.tall = pixelHeight(tiff.get());
    return picture;
  }
  TRY(const auto content, readFile(file, mebibytes(512)));
  std::optional<Picture> own;
  if (content.starts_with("\xff\xd8")) own = fromJpeg(content);
  if (content.starts_with("\x89PNG")) own = fromPng(content);
  if (own) return std::move(*own);
  return compressed(PixPtr(pixReadMem(reinterpret_cast<const l_uint8*>(content.data()), content.size())));
}

Result<std::string> uprightPicture(const fs::path& file, int number, int rotation) {
  TRY(const auto head, readHead(file, 8));
  const bool shown = head.compare(0, 2, "\xff\xd8") == 0 || head.compare(0, 4, "\x89PNG") == 0;
  if (shown && rotation == 0) {
    TRY(auto content, readFile(file, mebibytes(512)));
    if (exifOrientation(content) == 1) return content;
  }
  TRY(const auto source, ImageFile::open(file));
  TRY(const auto image, source->page(number));
  return toPng(turned(image, (rotation - image.rotation) / 90));
}

}  // namespace lectern::reader
