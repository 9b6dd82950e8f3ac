#pragma once
// `lectern pack --verify`: every packed function with a recorded event answers in an empty root and in our engine as the
// program does on this machine.

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "pack/pack.h"

namespace lectern::app {

struct Verified {
  std::string function, place;  // "empty root", "engine"
  bool tried = false;           // false: not possible here, `detail` says why
  bool same = false;
  std::string detail;           // the first difference or the failure
};

/// One entry a function and place; functions without `event` have one that was not tried.
Result<std::vector<Verified>> verifyBundles(const std::filesystem::path& config, const pack::PackReport& report);

}  // namespace lectern::app
