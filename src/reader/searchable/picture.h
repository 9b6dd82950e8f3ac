#pragma once
#include <filesystem>
#include <string>

#include "base/result.h"

namespace lectern::reader {

/// A picture as a PDF image object.
struct Picture {
  std::string dictionary;  // all entries but Type, Subtype and Length
  std::string bytes;
  bool mirrored = false;  // the Exif orientation says that left and right are exchanged before any turning
  double tall = 1;        // height of a pixel in widths: fax machines do not scan squares
};

/// Page `number` (from 1) of an image file. JPEG, PNG without transparency and interlacing, and TIFF pages of one strip
/// in CCITT group 4 are taken over byte by byte; everything else is decoded and compressed without loss, as group 4
/// when it is black and white.
Result<Picture> pictureOf(const std::filesystem::path& file, int number);

/// Page `number` of an image file for a browser, upright (`rotation`: Page::rotation): the file itself when it is a JPEG
/// or PNG that stands as it is, else a grey PNG.
Result<std::string> uprightPicture(const std::filesystem::path& file, int number, int rotation);

}  // namespace lectern::reader
