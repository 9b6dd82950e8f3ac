#pragma once
// What is done with a page after its words are known: rules and frames, tables, typed values, key-value pairs,
// relations; and with a document after its pages are: headings, headers and footers, sentences, type, fields.

#include "reader/page/image.h"
#include "reader/page/page.h"

namespace lectern::reader {

/// Fills rules, frames, tables and lays the page out again with them. `image` is the picture the boxes refer to; an
/// empty image leaves rules and frames as they are. Deterministic.
void analysePage(Page& page, const Image& image);

/// What needs all pages: values with one date order and one decimal mark, key-value pairs, relations, sentences,
/// document type, fields, ids. Deterministic; calling it again gives the same document.
void finishDocument(Document& document);

}  // namespace lectern::reader
