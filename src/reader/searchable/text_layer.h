#pragma once
#include <array>
#include <string>

#include "reader/page/page.h"

namespace lectern::reader {

/// A PDF matrix: x = a·u + c·v + e, y = b·u + d·v + f.
using Matrix = std::array<double, 6>;

/// The rectangle [x0, x1] × [y0, y1] of a PDF page's own space.
struct Area {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  double width() const { return x1 - x0; }
  double height() const { return y1 - y0; }
};

/// From pixels of the upright page of width × height, origin bottom left, into the area of a page that stands upright
/// after turning it clockwise by 0, 90, 180 or 270 degrees.
Matrix ontoPage(const Area& area, int turned, double width, double height);
std::string toPdf(const Matrix& matrix);

/// The page's words as a content stream that draws nothing: line by line in reading order, each word where its line's
/// base line passes, as long as its box, with the space up to the next word. Words of tilted lines stand level, as steps
/// do: readers of PDFs tear slanted words apart. `font` is the resource name of a font whose codes are UTF-16 units, each
/// half an em wide.
std::string textLayer(const Page& page, const Matrix& matrix, const std::string& font);

/// A TrueType font with one empty glyph for everything, with the tables that ISO 32000-1, 9.9 asks for.
std::string glyphlessFont();

/// CIDToGIDMap that gives every code that glyph; ToUnicode map that gives every code the character of that number.
std::string everythingToOneGlyph();
std::string codesAreUnicode();

}  // namespace lectern::reader
