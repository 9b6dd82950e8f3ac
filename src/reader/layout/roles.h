#pragma once
// What blocks are, and sentences through their lines.

#include "reader/page/page.h"

namespace lectern::reader {

/// Sets the role of every block: table (stands in one), header and footer (the same at the same place of most pages,
/// or a page number alone at the edge), heading (larger letters), caption, list, footnote; else paragraph.
void findRoles(Document& document);

/// Fills page.sentences from the paragraphs, over line ends; a hyphen at a line's end joins what it parts.
void findSentences(Page& page);

}  // namespace lectern::reader
