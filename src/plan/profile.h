#pragma once
// `lectern profile`: rounds of measurement on an endpoint, then files and a table.

#include <filesystem>
#include <string>

#include "plan/profile/measure.h"

namespace lectern::plan {

/// Writes PROFILE.json and, beside it, the chart as .svg; returns the table.
Result<std::string> writeProfile(const Profile& profile, const std::filesystem::path& path);

}  // namespace lectern::plan
