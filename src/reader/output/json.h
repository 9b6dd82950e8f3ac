#pragma once
// The document as JSON: NAME.json, and the form in which functions hand pages to each other.

#include "base/json.h"
#include "base/result.h"
#include "reader/page/page.h"

namespace lectern::reader {

/// The whole document in the contract's form, keys in a fixed order.
json::value documentToJson(const Document& document);
json::object pageToJson(const Page& page);

/// Reads back what documentToJson wrote; kCorrupt when a reference or a kind is wrong.
Result<Document> documentFromJson(const json::value& value);
Result<Page> pageFromJson(const json::value& value);

/// Words of a text layer: a list of {"text","box"}.
Result<std::vector<Word>> wordsFromJson(const json::value& value);

}  // namespace lectern::reader
