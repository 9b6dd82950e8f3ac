// Functions from a serverless.yml.

#include <fmt/core.h>

#include <cstdlib>

#include "base/files.h"
#include "base/log.h"
#include "contract/serverless_yml.h"
#include "engine/engine.h"

namespace lectern::engine {

namespace fs = std::filesystem;

namespace {

/// Where a function's bundle is: its artifact, the service's, or the folder of the file.
fs::path codeOf(const contract::ServerlessConfig& config, const contract::FunctionConfig& function,
                const fs::path& folder) {
  if (!function.package.artifact.empty()) return folder / function.package.artifact;
  if (!config.package.artifact.empty()) return folder / config.package.artifact;
  return folder;
}

Result<MountSpec> mountOf(const contract::ServerlessConfig& config, const contract::FileSystemConfig& mount,
                          const fs::path& folder) {
  auto directory = config.directoryFor(mount);
  if (!directory) {
    return fail(Code::kInvalid, fmt::format("no local directory stands for {}: name one under "
                                            "custom.lectern.fileSystems",
                                            mount.local_mount_path));
  }
  MountSpec spec;
  spec.host_dir = folder / *directory;
  spec.target = mount.local_mount_path;
  spec.writable = true;
  std::error_code error;
  spec.host_dir = fs::canonical(spec.host_dir, error);
  if (error) return failErrno("directory for " + mount.local_mount_path + ": " + *directory, error.value());
  return spec;
}

}  // namespace

Result<std::vector<std::string>> Engine::addServerless(const fs::path& file) {
  TRY(std::string text, readFile(file, mebibytes(1)));
  std::string name = file.string();
  contract::ServerlessInput input{text, name, std::nullopt, [](const std::string& key) -> std::optional<std::string> {
                                    const char* value = std::getenv(key.c_str());
                                    return value ? std::optional<std::string>(value) : std::nullopt;
                                  }};
  TRY(auto config, contract::parseServerless(input));
  fs::path folder = file.parent_path().empty() ? fs::path(".") : file.parent_path();
  for (auto& function : config.functions) {
    FunctionSpec spec;
    spec.name = function.name;
    spec.code = codeOf(config, function, folder);
    spec.runtime = function.runtime;
    spec.handler = function.handler;
    spec.memory_mb = function.memory_mb;
    spec.timeout_s = function.timeout_s;
    spec.tmp_mb = function.tmp_mb;
    spec.environment = function.environment;
    spec.reserved_concurrency = function.reserved_concurrency;
    spec.provisioned = function.provisioned_concurrency;
    spec.snap_start = function.snap_start;
    for (auto& layer : function.layers) {
      auto* found = config.layer(layer);
      if (!found) {
        return fail(Code::kInvalid,
                    fmt::format("{}: function {}: layer {} is not defined in this file", name, function.key, layer));
      }
      spec.layers.push_back(folder / (found->package.artifact.empty() ? found->path : found->package.artifact));
    }
    if (function.file_system) {
      TRY(auto mount, mountOf(config, *function.file_system, folder));
      spec.mounts.push_back(std::move(mount));
    }
    if (auto added = addFunction(spec); !added) return Failure(added.error().with(name));
  }
  for (auto& watch : config.watches) {
    auto* function = config.function(watch.function);
    if (!function) {
      return fail(Code::kInvalid, fmt::format("{}: custom.lectern.watch names no function: {}", name, watch.function));
    }
    auto watching = watchFolder(function->name, folder / watch.directory, watch.patterns);
    if (!watching) return Failure(watching.error().with(name));
  }
  return config.warnings;
}

}  // namespace lectern::engine
