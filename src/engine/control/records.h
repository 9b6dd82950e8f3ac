#pragma once
// What the control plane keeps. Configurations are JSON in the form in which the API answers them.

#include <map>
#include <optional>
#include <string>

#include "base/json.h"
#include "engine/control/function.h"

namespace lectern::engine {

/// A bundle on disk.
struct CodeRef {
  std::string sha_hex;    // SHA-256 of the zip; its content is in STATE/code/SHA
  std::string directory;  // a directory used in place instead; "" for a zip
  int64_t size = 0;       // of the zip (of all files for a directory)
  int64_t unzipped = 0;

  json::object toObject() const;
  static CodeRef fromObject(const json::object& object);
};

struct VersionRecord {
  json::object config;  // FunctionConfiguration
  CodeRef code;
  VersionPtr live;  // as the dispatcher knows it
};

struct AliasRecord {
  json::object body;  // AliasConfiguration
  std::string version;
  std::string other;  // AdditionalVersionWeights: this version ...
  double weight = 0;  // ... gets this share
};

struct ProvisionedRecord {
  int count = 0;
  std::string last_modified;
};

struct FunctionRecord {
  std::string name;
  std::map<std::string, VersionRecord, std::less<>> versions;  // "$LATEST", "1", ...
  std::map<std::string, AliasRecord, std::less<>> aliases;
  int64_t next_version = 1;
  bool changed = true;  // since the last published version
  bool snapshot_latest = false;  // $LATEST has a snapshot as well: the function comes from a file, not the API
  std::optional<int> reserved;
  std::map<std::string, ProvisionedRecord, std::less<>> provisioned;  // by qualifier
  std::map<std::string, json::object, std::less<>> urls;              // by qualifier; "" is the function itself
  std::map<std::string, json::object, std::less<>> event_configs;     // by qualifier
  std::map<std::string, json::array, std::less<>> policies;           // statements by qualifier
  std::map<std::string, std::string> policy_revisions;
  json::object tags;
  json::object recursion, runtime_management;

  scheduling::FunctionId id{};

  VersionRecord& latest() { return versions.at("$LATEST"); }
  std::string toText() const;
  static Result<FunctionRecord> fromText(std::string_view text);
};

struct LayerVersionRecord {
  json::object body;  // as GetLayerVersion answers, without Content.Location
  CodeRef code;
  bool deleted = false;  // functions that use it go on
  json::array policy{};    // its statements
  std::string policy_revision{};
};

struct LayerRecord {
  std::string name;
  int64_t next_version = 1;
  std::map<int64_t, LayerVersionRecord> versions;
  std::string toText() const;
  static Result<LayerRecord> fromText(std::string_view text);
};

}  // namespace lectern::engine
