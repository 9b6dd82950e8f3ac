#pragma once
// The shared libraries that a program loads.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace lectern::pack {

struct Library {
  std::filesystem::path file;  // resolved
  std::string why;             // "needed by libtesseract.so.5"
};

struct Closure {
  std::filesystem::path interpreter;         // empty for a static program
  std::map<std::string, Library> libraries;  // by the name that programs load
};

/// A library that nothing names, because it is loaded by dlopen.
struct ExtraLibrary {
  std::string name;  // soname or path
  std::string why;
};

/// Follows DT_NEEDED from `program` and from `extra`. kNotFound names the missing library and who needs it.
Result<Closure> findClosure(const std::filesystem::path& program, const std::vector<ExtraLibrary>& extra);

}  // namespace lectern::pack
