#include "engine/control/registry.h"

#include <algorithm>
#include <cstdlib>

#include "base/log.h"
#include "engine/control/managed_runtime.h"

namespace lectern::engine {

using contract::ApiFailure;
using contract::ApiResult;

namespace {

json::object objectAt(const json::object& from, std::string_view key) {
  auto* value = from.if_contains(key);
  return value && value->is_object() ? value->as_object() : json::object{};
}

void setActive(json::object& config) {
  config["State"] = "Active";
  config.erase("StateReason");
  config.erase("StateReasonCode");
}

}  // namespace

Registry::Registry(RegistryOptions options, VersionHost& host, const Clock& clock)
    : options_(std::move(options)), host_(host), clock_(clock), codes_(options_.state, options_.limits, options_.place.region) {}

std::string Registry::now() const {
  std::string iso = formatIso(clock_.wall());
  iso.pop_back();
  return iso + "+0000";
}

Result<void> Registry::load() {
  if (!options_.persistent) return {};
  TRY(store_, DocumentStore::open(options_.state / "lectern.db"));
  TRY(auto documents, store_->load());
  for (auto& document : documents) {
    if (document.kind == "function") {
      auto record = FunctionRecord::fromText(document.text);
      if (!record) return Failure(record.error().with("function " + document.key));
      functions_.emplace(document.key, std::move(*record));
    } else if (document.kind == "layer") {
      auto record = LayerRecord::fromText(document.text);
      if (!record) return Failure(record.error().with("layer " + document.key));
      layers_.emplace(document.key, std::move(*record));
    } else if (document.kind == "event") {
      events_.push_back(document);
    } else if (document.kind == "taken") {
      taken_.push_back(document);
    } else if (document.kind == "uses") {
      uses_[document.key] = std::strtoll(document.text.c_str(), nullptr, 10);
    } else if (document.kind == "mapping") {
      auto value = parseJson(document.text);
      if (value && value->is_object()) mappings_.emplace(document.key, value->as_object());
    }
  }
  loading_ = true;
  for (auto& [name, function] : functions_) {
    enlist(function);
    for (auto& [number, version] : function.versions) {
      setActive(version.config);  // an earlier engine may have ended in the middle
      activate(function, version);
    }
    applyProvisioned(function);
  }
  loading_ = false;
  return {};
}

FunctionRecord* Registry::find(std::string_view name) {
  auto it = functions_.find(name);
  return it == functions_.end() ? nullptr : &it->second;
}

LayerVersionRecord* Registry::findLayer(std::string_view arn) {
  auto ref = contract::parseLayerVersionArn(arn);
  if (!ref) return nullptr;
  auto layer = layers_.find(ref->name);
  if (layer == layers_.end()) return nullptr;
  auto version = layer->second.versions.find(ref->version);
  return version == layer->second.versions.end() ? nullptr : &version->second;
}

VersionRecord* Registry::versionOf(FunctionRecord& function, std::string_view qualifier) {
  if (qualifier.empty()) qualifier = "$LATEST";
  auto alias = function.aliases.find(qualifier);
  if (alias != function.aliases.end()) qualifier = alias->second.version;
  auto version = function.versions.find(qualifier);
  return version == function.versions.end() ? nullptr : &version->second;
}

ApiResult<Resolved> Registry::resolve(const contract::FunctionRef& ref) {
  auto* function = find(ref.name);
  if (!function) return ApiFailure(contract::functionNotFound(arn(ref.name, ref.qualifier)));
  VersionRecord* version = nullptr;
  auto alias = function->aliases.find(ref.qualifier);
  if (alias != function->aliases.end() && alias->second.weight > 0) {
    dice_ ^= dice_ << 13, dice_ ^= dice_ >> 7, dice_ ^= dice_ << 17;
    bool other = double(dice_ >> 11) / double(1ull << 53) < alias->second.weight;
    version = versionOf(*function, other ? alias->second.other : alias->second.version);
  } else {
    version = versionOf(*function, ref.qualifier);
  }
  if (!version || !version->live) return ApiFailure(contract::functionNotFound(arn(ref.name, ref.qualifier)));
  return Resolved{version->live, arn(ref.name, ref.qualifier)};
}

FunctionVersion Registry::runtimeForm(const FunctionRecord& function, const VersionRecord& version) const {
  const json::object& config = version.config;
  FunctionVersion out;
  out.name = function.name;
  out.version = stringOr(config, "Version", "$LATEST");
  out.runtime = stringOr(config, "Runtime", "provided.al2023");
  out.command = managedCommand(out.runtime);
  out.handler = stringOr(config, "Handler", "bootstrap");
  out.memory_mb = int(intOr(config, "MemorySize", 128));
  out.timeout_s = int(intOr(config, "Timeout", 3));
  out.tmp_mb = int(intOr(objectAt(config, "EphemeralStorage"), "Size", 512));
  out.code_dir = codes_.directoryOf(version.code);
  for (auto& [name, value] : objectAt(objectAt(config, "Environment"), "Variables")) {
    if (value.is_string()) out.environment[std::string(name)] = value.as_string().c_str();
  }
  if (auto* layers = config.if_contains("Layers"); layers && layers->is_array()) {
    for (auto& layer : layers->as_array()) {
      if (!layer.is_object()) continue;
      std::string layer_arn = stringOr(layer.as_object(), "Arn", "");
      auto* record = const_cast<Registry*>(this)->findLayer(layer_arn);
      if (record) out.layer_dirs.push_back(codes_.directoryOf(record->code));
    }
  }
  if (auto* mounts = config.if_contains("FileSystemConfigs"); mounts && mounts->is_array()) {
    for (auto& mount : mounts->as_array()) {
      if (!mount.is_object()) continue;
      std::string target = stringOr(mount.as_object(), "LocalMountPath", "");
      auto it = file_systems_.find(stringOr(mount.as_object(), "Arn", ""));
      if (it == file_systems_.end()) it = file_systems_.find(target);
      if (it != file_systems_.end()) out.mounts.push_back({it->second.first, target, it->second.second});
    }
  }
  json::object logging = objectAt(config, "LoggingConfig");
  out.json_logs = stringOr(logging, "LogFormat", "Text") == "JSON";
  out.log_group = stringOr(logging, "LogGroup", "");
  out.packaging =
      out.runtime.starts_with("provided") ? metering::Packaging::kOsOnlyZip : metering::Packaging::kManagedZip;
  out.snap_start = stringOr(objectAt(config, "SnapStart"), "ApplyOn", "None") == "PublishedVersions" &&
                   (out.version != "$LATEST" || function.snapshot_latest);
  auto uses = uses_.find(out.name + ":" + out.version);
  out.uses = uses != uses_.end() ? uses->second : loading_ ? 0 : -1;
  return out;
}

void Registry::enlist(FunctionRecord& function) { function.id = host_.addFunction(function.reserved); }

void Registry::activate(FunctionRecord& function, VersionRecord& version) {
  VersionPtr old = version.live;
  if (old) saveUses();
  version.live = host_.addVersion(function.id, runtimeForm(function, version), 0);
  if (old) host_.retireVersion(old->id);
}

void Registry::retire(VersionRecord& version) {
  if (version.live) host_.retireVersion(version.live->id);
  version.live = nullptr;
}

void Registry::snapshotMade(const FunctionVersion& made, bool good) {
  auto* function = find(made.name);
  auto* version = function ? versionOf(*function, made.version) : nullptr;
  if (!version || !version->live || version->live->id != made.id) return;
  setActive(version->config);
  if (made.version != "$LATEST") {
    version->config["SnapStart"] =
        json::object{{"ApplyOn", "PublishedVersions"}, {"OptimizationStatus", good ? "On" : "Off"}};
  }
  (void)save(*function);
}

void Registry::saveUses() {
  for (auto& [name, function] : functions_) {
    for (auto& [number, version] : function.versions) {
      if (!version.live || !version.live->snap_start) continue;
      int64_t uses = std::max<int64_t>(version.live->uses, 0) + host_.invocations(version.live->id);
      int64_t& stored = uses_[name + ":" + number];
      if (uses == stored) continue;
      stored = uses;
      (void)put("uses", name + ":" + number, std::to_string(uses));
    }
  }
}

void Registry::applyProvisioned(FunctionRecord& function) {
  std::map<std::string, int> wanted;
  for (auto& [qualifier, record] : function.provisioned) {
    auto alias = function.aliases.find(qualifier);
    wanted[alias == function.aliases.end() ? qualifier : alias->second.version] += record.count;
  }
  for (auto& [number, version] : function.versions) {
    if (version.live) host_.setProvisioned(version.live->id, wanted[number]);
  }
}

ApiResult<void> Registry::put(const std::string& kind, const std::string& key, const std::string& text) {
  return put(std::vector<Document>{{kind, key, text}});
}

ApiResult<void> Registry::put(const std::vector<Document>& documents) {
  if (!store_ || documents.empty()) return {};
  auto& first = documents[0];
  auto done = documents.size() == 1 ? store_->put(first.kind, first.key, first.text) : store_->put(documents);
  if (done) return {};
  logError("storing " + first.kind + " " + first.key + ": " + done.error().message);
  return ApiFailure(contract::serviceError("The change could not be stored: " + done.error().message));
}

ApiResult<void> Registry::erase(const std::string& kind, const std::string& key) {
  if (!store_) return {};
  auto done = store_->erase(kind, key);
  if (done) return {};
  return ApiFailure(contract::serviceError("The change could not be stored: " + done.error().message));
}

ApiResult<void> Registry::save(const FunctionRecord& function) {
  return put("function", function.name, function.toText());
}
ApiResult<void> Registry::save(const LayerRecord& layer) { return put("layer", layer.name, layer.toText()); }
ApiResult<void> Registry::saveMapping(const std::string& uuid) {
  return put("mapping", uuid, toJson(mappings_[uuid]));
}

ApiResult<void> Registry::remove(const std::string& name) {
  auto it = functions_.find(name);
  if (it == functions_.end()) return {};
  if (auto done = erase("function", name); !done) return done;
  for (auto& [number, version] : it->second.versions) retire(version);
  functions_.erase(it);
  return {};
}

ApiResult<void> Registry::removeMapping(const std::string& uuid) {
  if (auto done = erase("mapping", uuid); !done) return done;
  mappings_.erase(uuid);
  return {};
}

}  // namespace lectern::engine
