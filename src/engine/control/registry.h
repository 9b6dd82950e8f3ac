#pragma once
// Functions and layers of the control plane: kept in memory, stored in SQLite at each change, handed to the
// dispatcher.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "contract/limits.h"
#include "contract/names.h"
#include "engine/control/code_store.h"
#include "engine/control/document_store.h"
#include "engine/control/records.h"

namespace lectern::engine {

/// Who runs versions: the dispatcher.
class VersionHost {
 public:
  virtual ~VersionHost() = default;
  virtual scheduling::FunctionId addFunction(std::optional<int> reserved) = 0;
  virtual void setReserved(scheduling::FunctionId function, std::optional<int> reserved) = 0;
  virtual VersionPtr addVersion(scheduling::FunctionId function, FunctionVersion version, int provisioned) = 0;
  virtual void setProvisioned(scheduling::VersionId version, int provisioned) = 0;
  virtual void retireVersion(scheduling::VersionId version) = 0;
  /// Invocations of a version since it was put into service.
  virtual int64_t invocations(scheduling::VersionId version) const = 0;
  /// Instances that are ready among the provisioned ones.
  virtual int readyInstances(scheduling::VersionId version) const = 0;
};

/// The version that a name and qualifier stand for now.
struct Resolved {
  VersionPtr version;
  std::string arn;  // with the qualifier as the caller gave it
};

struct RegistryOptions {
  std::filesystem::path state;
  bool persistent = false;  // keep documents in STATE/lectern.db
  contract::Place place;
  contract::Limits limits;
};

class Registry {
 public:
  Registry(RegistryOptions options, VersionHost& host, const Clock& clock);

  /// Reads what an earlier engine stored and puts it into service.
  Result<void> load();

  contract::ApiResult<Resolved> resolve(const contract::FunctionRef& ref);

  const RegistryOptions& options() const { return options_; }
  const CodeStore& codes() const { return codes_; }
  const Clock& clock() const { return clock_; }
  std::map<std::string, FunctionRecord, std::less<>>& functions() { return functions_; }
  std::map<std::string, LayerRecord, std::less<>>& layers() { return layers_; }
  std::map<std::string, json::object, std::less<>>& mappings() { return mappings_; }
  FunctionRecord* find(std::string_view name);
  LayerVersionRecord* findLayer(std::string_view arn);

  /// Stores the record; what is not stored is not acknowledged.
  contract::ApiResult<void> save(const FunctionRecord& function);
  contract::ApiResult<void> save(const LayerRecord& layer);
  contract::ApiResult<void> saveMapping(const std::string& uuid);
  /// Removes a function, its versions leave service.
  contract::ApiResult<void> remove(const std::string& name);
  contract::ApiResult<void> removeMapping(const std::string& uuid);

  /// Documents of other parts, kept in the same database: events that wait.
  contract::ApiResult<void> put(const std::string& kind, const std::string& key, const std::string& text);
  contract::ApiResult<void> put(const std::vector<Document>& documents);  // all or none
  contract::ApiResult<void> erase(const std::string& kind, const std::string& key);
  /// Those of kind "event" that load() found.
  std::vector<Document> takeEvents() { return std::move(events_); }
  /// Those of kind "taken": files of event sources.
  std::vector<Document> takeTaken() { return std::move(taken_); }

  /// Puts a new function into service (id set), or a version of one: the old runtime form of it retires.
  void enlist(FunctionRecord& function);
  void activate(FunctionRecord& function, VersionRecord& version);
  void retire(VersionRecord& version);
  /// The snapshot of a version is there, or there will be none: the version becomes active.
  void snapshotMade(const FunctionVersion& version, bool good);
  /// Stores how often versions with snapshots were used, for the order after a restart.
  void saveUses();
  void setReserved(const FunctionRecord& function) { host_.setReserved(function.id, function.reserved); }
  void setProvisioned(const VersionRecord& version, int count) { host_.setProvisioned(version.live->id, count); }
  int readyInstances(const VersionRecord& version) const {
    return version.live ? host_.readyInstances(version.live->id) : 0;
  }
  /// Brings the scheduler's provisioned counts in line with the record.
  void applyProvisioned(FunctionRecord& function);

  /// Version that a qualifier ("", "$LATEST", number or alias) names; null when there is none.
  VersionRecord* versionOf(FunctionRecord& function, std::string_view qualifier);
  std::string arn(std::string_view name, std::string_view qualifier = "") const {
    return contract::functionArn(options_.place, name, qualifier);
  }
  /// "2024-01-01T00:00:00.000+0000".
  std::string now() const;

  /// Local directories that stand for file systems, by access point ARN or mount path.
  std::map<std::string, std::pair<std::filesystem::path, bool>, std::less<>>& fileSystems() { return file_systems_; }

 private:
  FunctionVersion runtimeForm(const FunctionRecord& function, const VersionRecord& version) const;

  RegistryOptions options_;
  std::vector<Document> events_, taken_;
  VersionHost& host_;
  const Clock& clock_;
  CodeStore codes_;
  std::unique_ptr<DocumentStore> store_;
  std::map<std::string, FunctionRecord, std::less<>> functions_;
  std::map<std::string, LayerRecord, std::less<>> layers_;
  std::map<std::string, json::object, std::less<>> mappings_;
  std::map<std::string, std::pair<std::filesystem::path, bool>, std::less<>> file_systems_;
  std::map<std::string, int64_t, std::less<>> uses_;  // by "NAME:VERSION", of versions with snapshots
  bool loading_ = false;
  uint64_t dice_ = 0x9E3779B97F4A7C15ull;
};

}  // namespace lectern::engine
