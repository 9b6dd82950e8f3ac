#pragma once
// `lectern profile`: measures a function of a serverless.yml in an engine of its own, of a running engine or of another
// Lambda endpoint over http.

#include <filesystem>
#include <string>

#include "base/clock.h"
#include "plan/profile.h"

namespace lectern::app {

struct ProfileOptions {
  plan::MeasureOptions measure;
  std::filesystem::path config;  // serverless.yml: an engine of its own that serves it; empty: `endpoint`
  std::string endpoint;          // empty: as engine::Client finds it
  std::filesystem::path out = "PROFILE.json";
};

/// Runs to the end and returns the exit status; the function's memory size and environment are put back.
int runProfileJob(const ProfileOptions& options, const Clock& clock);

}  // namespace lectern::app
