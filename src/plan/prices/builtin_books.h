#pragma once
// The files of books/, put into the program by CMake.

#include <span>
#include <string_view>

namespace lectern::plan {

struct BuiltinBook {
  std::string_view name;
  std::string_view text;
};
extern const std::span<const BuiltinBook> kBuiltinBooks;

}  // namespace lectern::plan
