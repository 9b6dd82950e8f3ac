#pragma once
#include <string_view>

namespace lectern::pack {

/// The program of launcher.c.
std::string_view launcherBytes();

}  // namespace lectern::pack
