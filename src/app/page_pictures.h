#pragma once
#include <filesystem>

#include "reader/output/output.h"

namespace lectern::app {

/// The pages of a file as overlays show them: upright, in the size that was read. Pages of PDFs are rendered when they
/// are asked for, in at most `seconds` each; a page that cannot be shown is "".
reader::PagePicture picturesOf(const std::filesystem::path& file, int seconds);

}  // namespace lectern::app
