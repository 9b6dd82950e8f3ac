#pragma once
#include <CLI/CLI.hpp>

namespace lectern::cli {

/// `lectern teach` and `lectern workflow`.
void addTeach(CLI::App& app, int& status);

}  // namespace lectern::cli
