#pragma once
// A function's measured times: all samples, kept.

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "plan/simulate/simulator.h"

namespace lectern::plan {

struct Sample {
  int memory_mb = 0;
  int batch = 1;
  bool cold = false;
  double duration_ms = 0;  // as the REPORT line has it
  double init_ms = 0;      // of cold calls
  double client_ms = 0;    // request to response
  int max_memory_mb = 0;
};

struct Profile {
  std::string function;
  std::string arch = "x86_64";
  int vcpu_mb = 1769;  // memory that gives one vCPU
  int cores = 2;       // that the machine has
  std::vector<Sample> samples;

  std::vector<int> memories() const;  // distinct, ascending
  std::vector<int> batches() const;
  /// Durations of warm (or cold) calls at a size.
  std::vector<float> durations(int memory_mb, int batch, bool cold) const;
};

json::object profileJson(const Profile& profile);
Result<Profile> parseProfile(std::string_view text);
Result<Profile> readProfile(const std::filesystem::path& path);

/// Service and start times of the function at `memory_mb`: the samples of that size when it was measured, else the
/// fit's. kInvalid when the profile is too small for a fit.
Result<void> adoptProfile(const Profile& profile, int memory_mb, Simulation& simulation);

}  // namespace lectern::plan
