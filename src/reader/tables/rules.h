#pragma once
// Ruled lines, frames and checkboxes from the page picture.

#include "reader/page/image.h"
#include "reader/page/page.h"

namespace lectern::reader {

/// Fills page.rules and page.frames. Lines shorter than about two text heights are left to the letters; frames are
/// closed rectangles, small square ones are checkboxes (checked: their inner part holds ink). The picture is looked
/// at with at most four megapixels. Needs page.words for the text height.
void findRules(Page& page, const Image& image);

/// Median height of the page's words in pixels; a fortieth of the page height when there are none.
double textHeight(const Page& page);

}  // namespace lectern::reader
