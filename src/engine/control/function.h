#pragma once
// What an instance is started from: one version of a function, never changed once made.

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/sandbox/sandbox.h"
#include "policy/metering/metering.h"
#include "policy/scheduling/scheduler.h"

namespace lectern::engine {

struct FunctionVersion {
  std::string name;
  std::string version = "$LATEST";
  std::string runtime = "provided.al2023";
  std::string handler = "bootstrap";
  int memory_mb = 128;
  int timeout_s = 3;
  int tmp_mb = 512;
  std::map<std::string, std::string> environment;
  std::filesystem::path code_dir;
  std::vector<std::filesystem::path> layer_dirs;
  std::vector<sandbox::FileSystemMount> mounts;
  bool json_logs = false;
  std::string log_group;             // "" : /aws/lambda/NAME
  std::vector<std::string> command;  // inside the sandbox; empty: the bootstrap rules
  metering::Packaging packaging = metering::Packaging::kOsOnlyZip;
  bool snap_start = false;  // instances start from a snapshot where that can be
  int64_t uses = -1;        // of such a version in earlier lives of the engine; -1: it is new
  std::string init_error;   // such a function cannot start, and says this

  // Set when the version is registered with the scheduler.
  scheduling::VersionId id{};
};
using VersionPtr = std::shared_ptr<const FunctionVersion>;

}  // namespace lectern::engine
