#pragma once
// Zips whose bytes depend on nothing but names, modes and content.

#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"

namespace lectern::pack {

struct Entry {
  std::string bytes;
  bool executable = false;
  std::string why;
  int64_t original = 0;  // size before trimming
};
/// By path inside the bundle.
using Entries = std::map<std::string, Entry>;

Result<void> writeZip(const std::filesystem::path& file, const Entries& entries);

}  // namespace lectern::pack
