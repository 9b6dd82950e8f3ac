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

/// Takes a zip that writeZip() made apart into `folder`.
Result<void> extractZip(const std::filesystem::path& file, const std::filesystem::path& folder);
Result<void> writeZip(const std::filesystem::path& file, const Entries& entries);

}  // namespace lectern::pack
