#pragma once
// Writes a document in the wanted formats into a folder.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "reader/page/page.h"

namespace lectern::reader {

/// Checks "json,csv,md" and splits it; kInvalid names the formats there are.
Result<std::vector<std::string>> parseFormats(const std::string& list);

/// Sets the file names of the document's tables: NAME-t1.csv, NAME-t2.csv, ... through all pages.
void nameTables(Document& document, const std::string& name);

/// The content of a picture file that shows a page.
using PagePicture = std::function<std::string(const Page&)>;

/// Writes NAME.json (always last: it marks a finished document), tables as NAME-tN.csv and NAME.EXT for each other
/// format (PAGE and overlay: one file a page; "pdf" is left to searchable/). `picture` gives what an overlay shows below
/// its boxes: the upright page as the content of a picture file; "" or no function: words instead. Each file is written
/// whole or not at all. Returns the files written.
Result<std::vector<std::filesystem::path>> writeOutputs(const Document& document, const std::string& name,
                                                        const std::vector<std::string>& formats,
                                                        const std::filesystem::path& folder,
                                                        const PagePicture& picture = {});

/// NAME.json as text; equal documents give equal bytes.
std::string documentToText(const Document& document);

/// Reads a NAME.json back.
Result<Document> documentFromText(const std::string& text);

}  // namespace lectern::reader
