#pragma once
// Which files a read covers and what their outputs are called.

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace lectern::app {

struct InputFile {
  std::filesystem::path path;
  std::string name;  // outputs are NAME.json, NAME-t1.csv, ...; unique in one run
};

struct Inputs {
  std::vector<InputFile> files;
  std::vector<Error> faults;  // paths that cannot be read at all
};

/// Files named directly are taken whatever they are called; folders are searched recursively for document file names
/// (jpg, jpeg, jpe, png, tif, tiff, bmp, webp, pdf, pnm family, jp2), hidden ones left out, in order of their path; links to
/// folders are not followed.
/// In names, control characters and bytes that are not UTF-8 become "_".
/// Two files with one stem get distinct names: the later one carries its extension ("a" and "a-png"), then a number.
Inputs collectInputs(const std::vector<std::filesystem::path>& paths);

/// Parses "1-3,7" into sorted distinct page numbers from 1; an open end "5-" is allowed and means to the last page
/// (INT_MAX).
struct PageRange {
  int first = 1;
  int last = 1;
};
Result<std::vector<PageRange>> parsePageRanges(const std::string& text);

}  // namespace lectern::app
