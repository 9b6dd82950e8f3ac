#pragma once
// A profile for people and tools.

#include <string>

#include "plan/profile/fit.h"

namespace lectern::plan {

/// PROFILE.json: all samples, the fit with bands, and `powerTuning` as aws-lambda-power-tuning prints it.
std::string profileFileText(const Profile& profile);

/// A table by memory and batch size: medians, spread, cold starts, cost of a call at today's prices.
std::string profileTable(const Profile& profile);

/// Warm time against memory, measured points and the fit with its band.
std::string profileChart(const Profile& profile);

/// The fragment of a power-tuning visualisation: base64 of 16-bit sizes ; 32-bit durations ; 32-bit costs.
std::string powerTuningFragment(const std::vector<int>& memories, const std::vector<float>& durations,
                                const std::vector<float>& costs);

}  // namespace lectern::plan
