#include "reader/searchable/picture.h"

#include <gtest/gtest.h>
#include <leptonica/allheaders.h>

#include "base/files.h"

namespace lectern::reader {
namespace {

class PictureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::create();
    ASSERT_TRUE(made);
    dir_.emplace(std::move(*made));
  }
  /// A picture of the given depth with a dark bar in it.
  std::string save(const char* name, int depth, int format, const char* mode = "w") {
    const std::string path = dir_->path() / name;
    Pix* pix = pixCreate(80, 60, depth);
    if (depth > 1) pixSetAll(pix);
    for (int y = 20; y < 30; ++y) {
      for (int x = 10; x < 50; ++x) pixSetPixel(pix, x, y, depth == 1 ? 1 : 0x10101000u >> (depth == 8 ? 8 : 0));
    }
    pixSetResolution(pix, 100, 100);
    if (format == IFF_TIFF_G4)
      EXPECT_EQ(pixWriteTiff(path.c_str(), pix, format, mode), 0);
    else
      EXPECT_EQ(pixWrite(path.c_str(), pix, format), 0);
    pixDestroy(&pix);
    return path;
  }
  std::optional<TempDir> dir_;
};

TEST_F(PictureTest, JpegIsTakenOverWhole) {
  const auto picture = pictureOf("samples/receipt.jpg", 1);
  ASSERT_TRUE(picture) << picture.error().message;
  EXPECT_EQ(picture->bytes, *readFile("samples/receipt.jpg"));
  EXPECT_NE(picture->dictionary.find("/DCTDecode"), std::string::npos);
}

TEST_F(PictureTest, PngKeepsItsCompressedBytes) {
  const std::string path = save("a.png", 32, IFF_PNG);
  const auto picture = pictureOf(path, 1);
  ASSERT_TRUE(picture);
  EXPECT_NE(readFile(path)->find(picture->bytes), std::string::npos);
  EXPECT_NE(picture->dictionary.find("/DeviceRGB"), std::string::npos);
}

TEST_F(PictureTest, FaxStripsOfEveryPageAreTakenOver) {
  save("a.tif", 1, IFF_TIFF_G4);
  const std::string path = save("a.tif", 1, IFF_TIFF_G4, "a");
  for (const int page : {1, 2}) {
    const auto picture = pictureOf(path, page);
    ASSERT_TRUE(picture) << picture.error().message;
    EXPECT_NE(picture->dictionary.find("/K -1 /Columns 80 /Rows 60"), std::string::npos);
    EXPECT_NE(readFile(path)->find(picture->bytes), std::string::npos);
  }
  EXPECT_EQ(pictureOf(path, 3).error().code, Code::kCorrupt);
}

TEST_F(PictureTest, OthersAreCompressedWithoutLoss) {
  const auto grey = pictureOf(save("a.bmp", 8, IFF_BMP), 1);
  ASSERT_TRUE(grey);
  EXPECT_NE(grey->dictionary.find("/FlateDecode"), std::string::npos);
  const auto bits = pictureOf(save("b.tif", 1, IFF_TIFF_LZW), 1);
  ASSERT_TRUE(bits);
  EXPECT_NE(bits->dictionary.find("/CCITTFaxDecode"), std::string::npos);
}

TEST_F(PictureTest, WhatIsNoPictureIsRefused) {
  const auto path = dir_->path() / "a.txt";
  ASSERT_TRUE(writeFileAtomic(path, "text that is no picture at all"));
  EXPECT_EQ(pictureOf(path, 1).error().code, Code::kCorrupt);
  ASSERT_TRUE(writeFileAtomic(path, std::string("II*\0\x08\0\0\0\xff\xff", 10)));
  EXPECT_EQ(pictureOf(path, 1).error().code, Code::kCorrupt);
}

TEST_F(PictureTest, ForABrowserPagesStandUpright) {
  EXPECT_EQ(*uprightPicture("samples/receipt.jpg", 1, 0), *readFile("samples/receipt.jpg"));
  const auto turned = uprightPicture(save("a.tif", 1, IFF_TIFF_G4), 1, 90);
  ASSERT_TRUE(turned) << turned.error().message;
  Pix* pix = pixReadMem(reinterpret_cast<const l_uint8*>(turned->data()), turned->size());
  ASSERT_NE(pix, nullptr);
  EXPECT_EQ(pixGetWidth(pix), 60);
  l_uint32 grey = 255;
  pixGetPixel(pix, 59 - 25, 30, &grey);  // the bar's rows have become columns, counted from the right
  EXPECT_EQ(grey, 0u);
  pixDestroy(&pix);
}

}  // namespace
}  // namespace lectern::reader
