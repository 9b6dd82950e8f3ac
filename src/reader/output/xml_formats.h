#pragma once
#include <string>

#include "reader/page/page.h"

namespace lectern::reader {

/// ALTO 4: pages, blocks, lines, strings with confidences; pixels.
std::string documentToAlto(const Document& document);

/// PAGE 2019-07-15 of one page; the format has one page a file. The dates it demands are fixed, so that equal
/// documents give equal bytes.
std::string pageToPageXml(const Document& document, const Page& page);

/// A picture file's content as a data URL; empty when browsers do not show its kind (TIFF, PDF, ...).
std::string pictureForSvg(const std::string& file);

/// A picture (SVG) of what was found: words, blocks with their place in the reading order, tables, rules, frames and
/// fields over `picture` (a URL of the page image), or over the words' text when it is empty.
std::string pageToOverlay(const Document& document, const Page& page, const std::string& picture);

}  // namespace lectern::reader
