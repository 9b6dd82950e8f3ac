#include "reader/image/decode.h"

#include <gtest/gtest.h>
#include <leptonica/allheaders.h>

#include <optional>

#include "base/files.h"
#include "reader/image/encode.h"
#include "reader/image/exif.h"

namespace lectern::reader {
namespace {

class DecodeTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::create();
    ASSERT_TRUE(made);
    dir_.emplace(std::move(*made));
  }
  std::string at(const char* name) const { return (dir_->path() / name).string(); }
  /// A white page with a black square in its top left quarter.
  static Pix* square(int width, int height, int depth) {
    Pix* pix = pixCreate(width, height, depth);
    Box* box = boxCreate(0, 0, width / 2, height / 2);
    // A set bit is black in a one-bit image.
    if (depth == 1) {
      pixSetInRect(pix, box);
    } else {
      pixSetAll(pix);
      pixClearInRect(pix, box);
    }
    boxDestroy(&box);
    return pix;
  }
  void expectSquare(const std::string& path) {
    auto file = ImageFile::open(path);
    ASSERT_TRUE(file) << file.error().message;
    auto image = (*file)->page(1);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_LT(image->row(2)[2], 40) << path;
    EXPECT_GT(image->row(image->height - 3)[image->width - 3], 215) << path;
  }
  std::optional<TempDir> dir_;
};

TEST_F(DecodeTest, ReadsEveryFormatAndDepth) {
  struct Case {
    const char* name;
    int format;
    int depth;
  };
  for (const Case& c : {Case{"a.png", IFF_PNG, 1}, Case{"b.png", IFF_PNG, 8}, Case{"c.png", IFF_PNG, 32},
                        Case{"d.jpg", IFF_JFIF_JPEG, 8}, Case{"e.jpg", IFF_JFIF_JPEG, 32},
                        Case{"f.tif", IFF_TIFF_G4, 1}, Case{"g.tif", IFF_TIFF_LZW, 8}, Case{"h.bmp", IFF_BMP, 8},
                        Case{"i.pnm", IFF_PNM, 8}, Case{"j.png", IFF_PNG, 16}, Case{"k.webp", IFF_WEBP, 32}}) {
    Pix* pix = square(64, 48, c.depth);
    ASSERT_EQ(pixWrite(at(c.name).c_str(), pix, c.format), 0) << c.name;
    pixDestroy(&pix);
    expectSquare(at(c.name));
  }
}

TEST_F(DecodeTest, TiffHasSeveralPages) {
  for (int n = 0; n < 3; ++n) {
    Pix* pix = square(40 + n, 30, 8);
    pixWriteTiff(at("m.tif").c_str(), pix, IFF_TIFF_ZIP, n == 0 ? "w" : "a");
    pixDestroy(&pix);
  }
  auto file = ImageFile::open(at("m.tif"));
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->pages(), 3);
  EXPECT_EQ((*file)->page(3)->width, 42);
  EXPECT_EQ((*file)->page(4).error().code, Code::kNotFound);
}

TEST_F(DecodeTest, FaultsSayWhatIsWrong) {
  ASSERT_TRUE(writeFileAtomic(at("empty.jpg"), ""));
  ASSERT_TRUE(writeFileAtomic(at("text.jpg"), "just some words, no image"));
  EXPECT_NE(ImageFile::open(at("empty.jpg")).error().message.find("an empty file"), std::string::npos);
  EXPECT_NE(ImageFile::open(at("text.jpg")).error().message.find("it is text"), std::string::npos);
  Pix* pix = square(640, 480, 8);
  pixWrite(at("whole.jpg").c_str(), pix, IFF_JFIF_JPEG);
  pixDestroy(&pix);
  const std::string whole = *readFile(at("whole.jpg"));
  ASSERT_TRUE(writeFileAtomic(at("cut.jpg"), whole.substr(0, whole.size() / 2)));
  auto cut = ImageFile::open(at("cut.jpg"));
  ASSERT_TRUE(cut);
  EXPECT_EQ((*cut)->page(1).error().code, Code::kCorrupt);
  EXPECT_TRUE(jpegIsWhole(whole));
  EXPECT_TRUE(jpegIsWhole(whole + "what some cameras append"));
  for (const size_t size : {0u, 1u, 2u, 3u, 20u, 200u}) EXPECT_FALSE(jpegIsWhole(whole.substr(0, size))) << size;
  EXPECT_FALSE(jpegIsWhole(whole.substr(0, whole.size() - 2)));
}

TEST_F(DecodeTest, PngKeepsEveryPixel) {
  Image image;
  image.width = 13, image.height = 7;
  for (int i = 0; i < 13 * 7; ++i) image.pixels.push_back(static_cast<uint8_t>(i * 31));
  const auto png = toPng(image);
  ASSERT_TRUE(png) << png.error().message;
  ASSERT_TRUE(writeFileAtomic(at("p.png"), *png));
  const auto back = (*ImageFile::open(at("p.png")))->page(1);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->width, 13);
  EXPECT_EQ(back->dpi, 0);
  EXPECT_EQ(back->pixels, image.pixels);
  EXPECT_FALSE(toPng(Image{}));
}

TEST_F(DecodeTest, LargePagesAreBounded) {
  Pix* pix = square(4000, 3000, 1);
  pixWrite(at("big.tif").c_str(), pix, IFF_TIFF_G4);
  pixWrite(at("big.png").c_str(), pix, IFF_PNG);
  pixDestroy(&pix);
  DecodeLimits limits;
  limits.max_pixels = 1'000'000;
  for (const char* name : {"big.tif", "big.png"}) {
    auto image = (*ImageFile::open(at(name), limits))->page(1);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_LE(int64_t{image->width} * image->height, limits.max_pixels);
    EXPECT_NEAR(image->width * image->source_scale, 4000, 8);
  }
  limits.max_source_pixels = 1000;
  EXPECT_EQ((*ImageFile::open(at("big.png"), limits))->page(1).error().code, Code::kTooLarge);
}

TEST(ExifTest, OrientationIsReadAndNonsenseIsNot) {
  std::string jpeg = "\xff\xd8\xff\xe1";
  std::string tiff("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0", 26);
  std::string body = std::string("Exif\0\0", 6) + tiff;
  jpeg += static_cast<char>(0);
  jpeg += static_cast<char>(body.size() + 2);
  jpeg += body;
  EXPECT_EQ(exifOrientation(jpeg), 6);
  EXPECT_EQ(exifOrientation(jpeg.substr(0, 20)), 1);
  EXPECT_EQ(exifOrientation(""), 1);
}

}  // namespace
}  // namespace lectern::reader
