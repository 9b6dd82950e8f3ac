#pragma once
// What a bundle loses with each of its files.

#include <map>
#include <string>

#include "pack/archive.h"

namespace lectern::pack {

struct DropCost {
  int64_t frees = 0;   // bytes: the file and the libraries that only it needs
  int64_t others = 0;  // how many those libraries are
  std::string breaks;  // what stops working without it
};

/// By path. Of a library: which files cannot be loaded without it, and with which symbols; of a module of scripts: which
/// scripts name it.
std::map<std::string, DropCost> dropCosts(const Entries& entries);

}  // namespace lectern::pack
