#include "reader/image/decode.h"

#include <fmt/format.h>
#include <leptonica/allheaders.h>

#include <cmath>
#include <mutex>

#include "base/files.h"
#include "reader/image/exif.h"

namespace lectern::reader {

namespace {

struct PixDeleter {
  void operator()(Pix* pix) const { pixDestroy(&pix); }
};
using PixPtr = std::unique_ptr<Pix, PixDeleter>;

const l_uint8* bytesOf(const std::string& content) { return reinterpret_cast<const l_uint8*>(content.data()); }

bool isTiff(int format) { return format >= IFF_TIFF && format <= IFF_TIFF_ZIP ? true : format == IFF_TIFF_JPEG; }

/// A word about content that is no image, so that the message helps: "text", "an empty file", "a PDF", ...
std::string describe(std::string_view head) {
  if (head.empty()) return "an empty file";
  if (looksLikePdf(head)) return "a PDF";
  if (head.substr(0, 2) == "PK") return "a zip file";
  size_t printable = 0;
  for (const unsigned char c : head) printable += c == '\n' || c == '\r' || c == '\t' || (c >= 32 && c != 127) ? 1 : 0;
  return printable == head.size() ? "text" : "of an unknown format";
}

int tiffPages(const std::string& content) {
  int pages = 0;
  FILE* stream = fmemopen(const_cast<char*>(content.data()), content.size(), "rb");
  if (stream == nullptr) return 0;
  tiffGetCount(stream, &pages);
  fclose(stream);
  return pages;
}

PixPtr flattened(PixPtr pix) {
  if (pixGetSpp(pix.get()) == 4) pix.reset(pixAlphaBlendUniform(pix.get(), 0xffffff00));
  return pix;
}

/// Shrinks before the conversion to grey, so that a large page never exists twice at full size.
PixPtr shrunkTo(PixPtr pix, int64_t max_pixels, double& scale) {
  const double pixels = static_cast<double>(pixGetWidth(pix.get())) * pixGetHeight(pix.get());
  if (pixels <= static_cast<double>(max_pixels)) return pix;
  if (pixGetDepth(pix.get()) == 1) {
    // Two by two bits to a grey level keeps thin strokes.
    scale *= 2;
    return shrunkTo(PixPtr(pixScaleToGray2(pix.get())), max_pixels, scale);
  }
  if (pixGetColormap(pix.get()) != nullptr || pixGetDepth(pix.get()) < 8) pix.reset(pixConvertTo8(pix.get(), 0));
  if (pixGetDepth(pix.get()) == 16) pix.reset(pixConvert16To8(pix.get(), L_MS_BYTE));
  // A thousandth more, because the library rounds sides up.
  const double factor = 1.001 * std::sqrt(pixels / static_cast<double>(max_pixels));
  scale *= factor;
  return PixPtr(pixScaleAreaMap(pix.get(), static_cast<float>(1 / factor), static_cast<float>(1 / factor)));
}

PixPtr upright(PixPtr pix, int orientation, int& rotation) {
  if (orientation == 2 || orientation == 5 || orientation == 4 || orientation == 7) {
    pixFlipLR(pix.get(), pix.get());
  }
  int quads = 0;
  if (orientation == 3 || orientation == 4) quads = 2;
  if (orientation == 6 || orientation == 7) quads = 1;
  if (orientation == 8 || orientation == 5) quads = 3;
  if (quads == 0) return pix;
  rotation = quads * 90;
  return PixPtr(pixRotateOrth(pix.get(), quads));
}

Image toImage(Pix* grey) {
  Image image;
  image.width = pixGetWidth(grey);
  image.height = pixGetHeight(grey);
  image.dpi = pixGetXRes(grey);
  image.pixels.resize(static_cast<size_t>(image.width) * static_cast<size_t>(image.height));
  const l_uint32* data = pixGetData(grey);
  const int words = pixGetWpl(grey);
  for (int y = 0; y < image.height; ++y) {
    const l_uint32* line = data + static_cast<size_t>(y) * static_cast<size_t>(words);
    uint8_t* out = image.row(y);
    for (int x = 0; x < image.width; ++x) out[x] = static_cast<uint8_t>(GET_DATA_BYTE(line, x));
  }
  return image;
}

}  // namespace

bool looksLikePdf(std::string_view head) { return head.substr(0, 1024).find("%PDF-") != std::string_view::npos; }

struct ImageFile::Impl {
  std::string name;
  std::string content;
  int format = IFF_UNKNOWN;
  int pages = 1;
  DecodeLimits limits;

  Failure damaged(int n) const {
    const std::string where = pages > 1 ? fmt::format(" (page {})", n) : std::string();
    return fail(Code::kCorrupt, fmt::format("{}: the image is damaged or cut short{}", name, where));
  }

  Result<int> jpegReduction() const {
    int w = 0, h = 0;
    // Asked first, because the JPEG library prints its own complaints about what is cut short.
    if (!jpegIsWhole(content)) return damaged(1);
    if (readHeaderMemJpeg(bytesOf(content), content.size(), &w, &h, nullptr, nullptr, nullptr) != 0) return damaged(1);
    TRY_VOID(checkSize(w, h, limits.max_source_pixels * 8));
    int reduction = 1;
    while (reduction < 8 && int64_t{w} * h / (int64_t{reduction} * reduction) > limits.max_pixels) reduction *= 2;
    return reduction;
  }

  Result<void> checkSize(int w, int h, int64_t most_pixels) const {
    if (w <= 0 || h <= 0) return damaged(1);
    if (w > limits.max_side || h > limits.max_side || int64_t{w} * h > most_pixels) {
      return fail(Code::kTooLarge,
                  fmt::format("{}: {} x {} pixels are too many; the limit is {} megapixels; scan at a "
                              "lower resolution or cut the page",
                              name, w, h, most_pixels / 1'000'000));
    }
    return {};
  }

  Result<PixPtr> decode(int n, double& scale) const {
    if (format == IFF_JFIF_JPEG) {
      TRY(const int reduction, jpegReduction());
      scale = reduction;
      int warnings = 0;
      PixPtr pix(pixReadMemJpeg(bytesOf(content), content.size(), 0, reduction, &warnings, L_JPEG_READ_LUMINANCE));
      if (pix == nullptr || warnings > 0) return damaged(n);
      return pix;
    }
    if (isTiff(format)) {
      int w = 0, h = 0;
      if (readHeaderMemTiff(bytesOf(content), content.size(), n - 1, &w, &h, nullptr, nullptr, nullptr, nullptr,
                            nullptr) == 0) {
        TRY_VOID(checkSize(w, h, limits.max_source_pixels));
      }
      PixPtr pix(pixReadMemTiff(bytesOf(content), content.size(), n - 1));
      if (pix == nullptr) return damaged(n);
      return pix;
    }
    int kind = 0, w = 0, h = 0;
    if (pixReadHeaderMem(bytesOf(content), content.size(), &kind, &w, &h, nullptr, nullptr, nullptr) == 0) {
      TRY_VOID(checkSize(w, h, limits.max_source_pixels));
    }
    PixPtr pix(pixReadMem(bytesOf(content), content.size()));
    if (pix == nullptr) return damaged(n);
    return pix;
  }
};

ImageFile::ImageFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ImageFile::~ImageFile() = default;
int ImageFile::pages() const { return impl_->pages; }

Result<std::unique_ptr<ImageFile>> ImageFile::open(const std::filesystem::path& path, const DecodeLimits& limits) {
  static std::once_flag quiet;
  std::call_once(quiet, [] { setMsgSeverity(L_SEVERITY_NONE); });
  auto impl = std::make_unique<Impl>();
  impl->limits = limits;
  impl->name = path.filename().string();
  TRY(impl->content, readFile(path, limits.max_file));
  const std::string_view head = std::string_view(impl->content).substr(0, 1024);
  if (impl->content.size() < 12 || findFileFormatBuffer(bytesOf(impl->content), &impl->format) != 0 ||
      impl->format == IFF_UNKNOWN) {
    return fail(Code::kInvalid, fmt::format("{}: not an image that can be read (it is {}); give JPEG, PNG, TIFF, BMP, "
                                            "WebP or PDF",
                                            impl->name, describe(head)));
  }
  if (isTiff(impl->format)) {
    impl->pages = tiffPages(impl->content);
    if (impl->pages <= 0) return impl->damaged(1);
  }
  return std::unique_ptr<ImageFile>(new ImageFile(std::move(impl)));
}

Result<Image> ImageFile::page(int n) const {
  if (n < 1 || n > impl_->pages) {
    return fail(Code::kNotFound, fmt::format("{}: there is no page {}, it has {}", impl_->name, n, impl_->pages));
  }
  double scale = 1;
  TRY(PixPtr pix, impl_->decode(n, scale));
  pix = flattened(std::move(pix));
  if (pix != nullptr) pix = shrunkTo(std::move(pix), impl_->limits.max_pixels, scale);
  if (pix != nullptr && pixGetDepth(pix.get()) == 16) pix.reset(pixConvert16To8(pix.get(), L_MS_BYTE));
  if (pix != nullptr && (pixGetDepth(pix.get()) != 8 || pixGetColormap(pix.get()) != nullptr)) {
    pix.reset(pixConvertTo8(pix.get(), 0));
  }
  int rotation = 0;
  if (pix != nullptr && impl_->format == IFF_JFIF_JPEG) {
    pix = upright(std::move(pix), exifOrientation(impl_->content), rotation);
  }
  if (pix == nullptr) return impl_->damaged(n);
  Image image = toImage(pix.get());
  image.source_scale = scale;
  image.rotation = rotation;
  return image;
}

}  // namespace lectern::reader
