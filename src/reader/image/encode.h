#pragma once
// Page images as files for the way to another process.

#include <string>

#include "base/result.h"
#include "reader/page/image.h"

namespace lectern::reader {

/// An 8-bit grey PNG without loss and without a resolution.
Result<std::string> toPng(const Image& image);

}  // namespace lectern::reader
