#pragma once
#include <string_view>

namespace lectern::pack {

/// Glob over paths: "*" stays within a folder, "**" does not, "?" is one character. Linear in memory, no recursion
/// deeper than the number of stars.
bool matches(std::string_view pattern, std::string_view path);

}  // namespace lectern::pack
