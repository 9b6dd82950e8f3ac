#pragma once
// Tables of a page from its words and rules.

#include "reader/page/page.h"

namespace lectern::reader {

/// Fills page.tables, top to bottom: drawn ones from crossing rules, the others from white space. Needs words and
/// rules; works on whatever words there are, recognised or from a PDF's text layer.
void findTables(Page& page);

}  // namespace lectern::reader
