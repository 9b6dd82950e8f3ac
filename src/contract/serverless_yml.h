#pragma once
// The subset of serverless.yml (Serverless Framework, osls) that Lectern obeys, as plain values. No I/O: the caller
// reads the file.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace lectern::contract {

/// fileSystemConfig: what is mounted at /mnt/NAME. `arn` is empty when the file gives it as a CloudFormation function.
struct FileSystemConfig {
  std::string arn;
  std::string local_mount_path;
  bool operator==(const FileSystemConfig&) const = default;
};

struct FunctionUrl {
  bool iam = false;
  bool cors = false;
  bool response_stream = false;
};

/// One entry of functions.NAME.events. Only httpApi and http carry method and path ("*" for any).
struct FunctionEvent {
  std::string kind;
  std::string method, path;
};

/// package: of the service, a function or a layer. A later pattern wins; one that starts with "!" leaves out.
struct PackageConfig {
  std::vector<std::string> patterns;
  std::string artifact;  // a ready zip, relative to the file
};

/// custom.lectern.pack.FUNCTION: how `lectern pack` makes the bundle.
struct PackConfig {
  std::string binary;                  // ELF program that becomes the bootstrap; relative to the file
  std::vector<std::string> arguments;  // given to it; `binary` may be an interpreter
  std::vector<std::string> libraries;  // loaded by dlopen, so no binary names them: sonames, paths or globs
  struct File {
    std::string from, to;
  };
  std::vector<File> files;          // data: `from` a file, folder or glob, `to` a folder or name inside the bundle
  std::vector<std::string> drop;    // patterns of bundle paths that are left out at the end
  std::vector<std::string> system;  // sonames that the target has, so they stay out
  std::string event;                // recorded event for --verify, relative to the file
  std::vector<std::string> ignore;  // keys of the answer that differ from run to run, at any depth
  // The same program linked the ordinary way: only its closure is weighed, for the report of what trimming saved.
  std::string untrimmed;
  bool keep_symbols = false;
};

/// custom.lectern.snapshot.FUNCTION.
struct SnapshotConfig {
  std::string warmup;  // JSON event that the template is warmed with; "" for none
  int warmup_runs = 1;
};

struct FunctionConfig {
  std::string key;   // the name in the file
  std::string name;  // functions.KEY.name, or the key
  std::string handler, description, runtime;
  std::string architecture = "x86_64";
  int memory_mb = 1024;
  int timeout_s = 6;
  int tmp_mb = 512;
  std::map<std::string, std::string> environment;
  std::vector<std::string> layers;  // ARNs, or keys of `ServerlessConfig::layers`
  std::optional<FileSystemConfig> file_system;
  std::optional<int> reserved_concurrency;
  int provisioned_concurrency = 0;
  bool snap_start = false;
  std::optional<FunctionUrl> url;
  std::vector<FunctionEvent> events;
  std::optional<int> max_retries;      // maximumRetryAttempts
  std::optional<int> max_event_age_s;  // maximumEventAge
  std::string on_success, on_failure;  // destinations
  PackageConfig package;
  PackConfig pack;
  SnapshotConfig snapshot;
  int line = 0;
};

struct LayerConfig {
  std::string key, name, path, description;
  std::vector<std::string> runtimes;
  PackageConfig package;
};

/// custom.lectern.fileSystems: the local folder that stands for a file system.
struct LocalFileSystem {
  std::string arn, local_mount_path;  // one of them says which
  std::string directory;              // relative to the file; "~/" stands for the environment's HOME
};

/// custom.lectern.watch: a file that appears in `directory` is an event for `function`.
struct FolderWatch {
  std::string function, directory;
  std::vector<std::string> patterns;
};

struct ServerlessConfig {
  std::string service, stage = "dev", region = "us-east-1";
  std::string runtime, architecture = "x86_64", role;
  std::map<std::string, std::string> environment;
  std::vector<FunctionConfig> functions;  // in file order
  std::vector<LayerConfig> layers;
  PackageConfig package;
  bool package_individually = false;
  std::vector<LocalFileSystem> file_systems;
  std::vector<FolderWatch> watches;
  std::vector<std::string> warnings;  // "serverless.yml:3:5: ...": keys without effect here

  const FunctionConfig* function(std::string_view key_or_name) const;
  const LayerConfig* layer(std::string_view key) const;
  /// The folder behind a function's file system, if custom.lectern.fileSystems names one.
  std::optional<std::string> directoryFor(const FileSystemConfig& mount) const;
};

struct ServerlessInput {
  std::string_view text;
  std::string_view file_name = "serverless.yml";
  std::optional<std::string> stage;  // --stage
  /// Looks up ${env:NAME}; nothing when it is not set.
  std::function<std::optional<std::string>(const std::string&)> environment = {};
};

/// Every fault is kInvalid and begins "FILE:LINE:COLUMN: ". ${self:...}, ${env:...}, ${opt:stage}, ${sls:stage} and
/// ${aws:region} are replaced, with defaults after a comma.
Result<ServerlessConfig> parseServerless(const ServerlessInput& input);

}  // namespace lectern::contract
