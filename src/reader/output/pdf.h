#pragma once
#include <filesystem>
#include <string>

#include "base/result.h"
#include "reader/page/page.h"

namespace lectern::reader {

/// A searchable PDF: the picture of the source as it is (JPEG, or PNG without transparency and interlacing; its
/// compressed bytes are taken over untouched), the recognised text invisible behind it in reading order, each word as
/// wide as its box. One page; kInvalid for other sources, which says what to do.
Result<std::string> documentToPdf(const Document& document, const std::filesystem::path& source);

}  // namespace lectern::reader
