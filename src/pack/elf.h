#pragma once
// 64-bit little-endian ELF files over spans: what they load, and how to make them smaller.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lectern::pack {

struct ElfInfo {
  std::string interpreter, soname;
  std::vector<std::string> needed;
  std::vector<std::string> search;  // DT_RUNPATH or DT_RPATH, split, $ORIGIN not replaced
};

/// The names of the dynamic symbol table.
struct ElfSymbols {
  std::vector<std::string> imported;  // that the file cannot be loaded without
  std::vector<std::string> exported;
};

bool isElf(std::string_view bytes);
/// kInvalid for other kinds of ELF, kCorrupt for damage.
Result<ElfInfo> readElf(std::string_view bytes);
/// Works on stripped files too. kInvalid and kCorrupt as readElf.
Result<ElfSymbols> readSymbols(std::string_view bytes);
/// The file without section headers and everything that is loaded by nothing: symbols, debug information, notes.
Result<std::string> stripElf(std::string_view bytes);

}  // namespace lectern::pack
