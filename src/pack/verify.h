#pragma once
// `lectern pack --verify`: a packed function gives the answer that the program gives on this machine.

#include <filesystem>
#include <string>

#include "base/json.h"
#include "contract/serverless_yml.h"
#include "pack/pack.h"
#include "pack/probe.h"

namespace lectern::pack {

/// What one function is verified with.
struct VerifyCase {
  const contract::ServerlessConfig& config;
  const contract::FunctionConfig& function;
  const PackedFunction& packed;
  std::filesystem::path folder;  // of serverless.yml
  std::string event;
};

/// The local folder behind the function's file system; empty when it has none.
std::filesystem::path mountedFolder(const VerifyCase& which);
std::filesystem::path mountedFolder(const contract::ServerlessConfig& config, const contract::FunctionConfig& function,
                                    const std::filesystem::path& folder);

/// How the program is started as built, outside of any bundle; paths below the mount path in environment and event become
/// the local folder's. `folder` is that of serverless.yml.
ProbeSpec probeAsBuilt(const contract::ServerlessConfig& config, const contract::FunctionConfig& function,
                       const std::filesystem::path& folder, const std::string& event);
/// The answer of the program as built (as ordinarily linked, where that is known). For functions with `binary`.
Result<std::string> answerAsBuilt(const VerifyCase& which);

/// The answer of the bundle in a root folder that holds nothing but it, the mounted files and /tmp. kUnavailable when
/// the function fails, kDenied when this machine lets nobody change the root.
Result<std::string> answerInEmptyRoot(const VerifyCase& which);
/// The same through AWS's Runtime Interface Emulator; kDenied when no static `aws-lambda-rie` is in PATH.
Result<std::string> answerInEmulator(const VerifyCase& which);

/// kInvalid names the first difference between two answers. Numbers may differ by 1 %, keys in `ignore` by anything.
Result<void> sameAnswer(std::string_view expected, std::string_view got, const std::vector<std::string>& ignore);

}  // namespace lectern::pack
