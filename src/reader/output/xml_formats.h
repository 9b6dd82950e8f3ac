#pragma once
#include <string>

#include "reader/page/page.h"

namespace lectern::reader {

/// ALTO 4: pages, blocks, lines, strings with confidences; pixels.
std::string documentToAlto(const Document& document);

/// PAGE 2019-07-15 of one page; the format has one page a file. The dates it demands are fixed, so that equal
/// documents give equal bytes.
std::string pageToPageXml(const Document& document, const Page& page);

/// A picture (SVG) of what was found over the page image `source`: words, lines, blocks, tables, rules, fields.
std::string pageToOverlay(const Document& document, const Page& page, const std::string& source);

}  // namespace lectern::reader
