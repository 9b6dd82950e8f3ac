#pragma once
#include <filesystem>

#include "app/pages.h"

namespace lectern::app {

/// Renders pages first..last of a PDF into `out` by running the pdf bundle as a program with bounded memory and at
/// most `seconds` of time: poppler's licence and its crashes stay outside this process.
Result<Rendered> renderWithProgram(const std::filesystem::path& pdf, const std::filesystem::path& out, int first,
                                   int last, int seconds);

}  // namespace lectern::app
