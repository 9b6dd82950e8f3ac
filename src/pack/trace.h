#pragma once
// Which libraries a program loads by dlopen while it answers an event, as its loader tells (LD_DEBUG).

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pack/probe.h"

namespace lectern::pack {

struct TracedLibrary {
  std::string name, by;        // as asked for; the file that asked
  std::filesystem::path file;  // what was loaded
  bool byPath() const { return name.starts_with("/"); }
};

/// Runs the program as `probe` does and listens to its loader. kUnavailable when the program gives no answer, kInvalid
/// when its loader tells nothing (static programs, musl).
Result<std::vector<TracedLibrary>> traceLibraries(ProbeSpec spec);

/// What one process's loader wrote, added to `out`; each library once.
void readLoaderTrace(std::string_view text, std::vector<TracedLibrary>& out);

}  // namespace lectern::pack
