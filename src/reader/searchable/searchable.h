#pragma once
#include <filesystem>

#include "base/result.h"
#include "reader/page/page.h"

namespace lectern::reader {

/// Writes one PDF with all pages of the document in order, whose text can be searched and selected in reading order.
/// Of a picture (`source`: what the document was read from) each page shows its own bytes where PDF knows their
/// compression, see pictureOf; the page is as large as the resolution says and stands upright. A PDF keeps its pages,
/// to which only the text of those that had none is added, and its encryption without a password; pages that were read
/// lying or upside down are turned. Streams of the source and pictures pass one at a time. kCorrupt, kInvalid: one line
/// that says what the source lacks.
Result<void> writeSearchablePdf(const Document& document, const std::filesystem::path& source,
                                const std::filesystem::path& target);

/// The resolution that sizes a page: the picture's own, unless it says none or what cameras say of everything they
/// take (72 or 96 on a picture far larger than a sheet); then such that the page is no longer than A4.
double pageDpi(const Page& page);

}  // namespace lectern::reader
