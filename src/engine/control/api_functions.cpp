#include <fmt/core.h>

#include "base/ids.h"
#include "engine/control/configure.h"
#include "engine/control/control.h"

namespace lectern::engine {

using contract::ApiFailure;
using contract::ApiResult;

namespace {

void touch(const Registry& registry, json::object& config) {
  config["LastModified"] = registry.now();
  config["RevisionId"] = newUuid();
}

void takeCode(const CodeRef& code, VersionRecord& version) {
  version.code = code;
  version.config["CodeSize"] = code.size;
  version.config["CodeSha256"] = base64OfHex(code.sha_hex);
}

bool staleRevision(const json::object& body, const json::object& config) {
  std::string given = stringOr(body, "RevisionId", "");
  return !given.empty() && given != stringOr(config, "RevisionId", "");
}

bool isFunctionItself(const contract::FunctionRef& ref) { return ref.qualifier.empty() || ref.qualifier == "$LATEST"; }

/// The configuration as the version's own ARN shows it.
json::object shown(const Registry& registry, const VersionRecord& version, const contract::FunctionRef& ref) {
  json::object config = version.config;
  if (!ref.qualifier.empty()) config["FunctionArn"] = registry.arn(ref.name, ref.qualifier);
  return config;
}

}  // namespace

json::object Control::locationOf(const CodeRef& code) const {
  return {{"RepositoryType", "S3"},
          {"Location", code.directory.empty() ? code_url_ + code.sha_hex + ".zip" : "file://" + code.directory}};
}

ApiAnswer Control::createFunction(const ApiCall& call) {
  std::string name_text = stringOr(call.body, "FunctionName", "");
  constexpr size_t kLongestArn = 140;
  if (name_text.size() > kLongestArn) {
    return ApiFailure(contract::validation(
        name_text, "functionName", fmt::format("Member must have length less than or equal to {}", kLongestArn)));
  }
  auto ref = contract::parseFunctionRef(registry_.options().place, name_text, "");
  if (!ref) return ApiFailure(ref.error());
  if (registry_.find(ref->name)) {
    return ApiFailure(contract::conflict("Function already exist: " + ref->name));
  }
  if (!call.body.contains("Role")) {
    return ApiFailure(contract::missingMember("role"));
  }
  bool zip = stringOr(call.body, "PackageType", "Zip") == "Zip";
  if (zip && (!call.body.contains("Runtime") || !call.body.contains("Handler"))) {
    return ApiFailure(contract::invalidParameter(
        "Runtime and Handler are mandatory parameters for functions created with deployment "
        "packages."));
  }
  FunctionRecord function;
  function.name = ref->name;
  VersionRecord latest;
  latest.config = defaultConfig(registry_, ref->name);
  int64_t unzipped = call.code && *call.code ? (*call.code)->unzipped : 0;
  if (auto done = oneFileSystem(call.body); !done) return ApiFailure(done.error());
  if (auto done = configure(registry_, call.body, unzipped, latest.config); !done) return ApiFailure(done.error());
  if (!call.code || !*call.code) return ApiFailure(call.code ? call.code->error() : contract::serviceError("no code"));
  takeCode(**call.code, latest);
  touch(registry_, latest.config);
  function.tags = objectAt(call.body, "Tags");
  if (auto wrong = tooManyTags(function.tags)) return ApiFailure(*wrong);
  function.versions["$LATEST"] = std::move(latest);
  if (auto done = registry_.save(function); !done) return ApiFailure(done.error());
  auto& stored = registry_.functions()[ref->name] = std::move(function);
  registry_.enlist(stored);
  registry_.activate(stored, stored.latest());
  if (!boolOr(call.body, "Publish", false)) return ApiReply{201, stored.latest().config};
  auto published = publish(stored, {});
  if (!published) return ApiFailure(published.error());
  return ApiReply{201, *published};
}

ApiAnswer Control::getFunction(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  auto version = versionFor(*target);
  if (!version) return ApiFailure(version.error());
  json::object out;
  out["Configuration"] = shown(registry_, **version, target->ref);
  out["Code"] = locationOf((*version)->code);
  if (!target->function->tags.empty()) out["Tags"] = target->function->tags;
  if (target->function->reserved) {
    out["Concurrency"] = json::object{{"ReservedConcurrentExecutions", *target->function->reserved}};
  }
  return ApiReply{200, std::move(out)};
}

ApiAnswer Control::getConfiguration(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  auto version = versionFor(*target);
  if (!version) return ApiFailure(version.error());
  return ApiReply{200, shown(registry_, **version, target->ref)};
}

ApiAnswer Control::listFunctions(const ApiCall& call) {
  json::array items;
  std::string which = call.queryOr("FunctionVersion");
  bool all = which == "ALL";
  if (!which.empty() && !all) {
    return ApiFailure(contract::validation(which, "functionVersion", "Member must satisfy enum value set: [ALL]"));
  }
  for (auto& [name, function] : registry_.functions()) {
    for (auto& [number, version] : function.versions) {
      if (number != "$LATEST" && !all) continue;
      json::object config = version.config;
      if (all) config["FunctionArn"] = registry_.arn(name, number);
      items.push_back(std::move(config));
    }
  }
  return page(call, "Functions", std::move(items), 10'000);
}

ApiAnswer Control::updateCode(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  if (!isFunctionItself(target->ref)) return onlyFunctions();
  FunctionRecord& function = *target->function;
  if (!call.code || !*call.code) return ApiFailure(call.code ? call.code->error() : contract::serviceError("no code"));
  if (staleRevision(call.body, function.latest().config)) return ApiFailure(contract::preconditionFailed());
  FunctionRecord changed = function;
  json::object& config = changed.latest().config;
  // Nothing but code changes here, yet code and layers together have their limit.
  if (auto done = configure(registry_, {}, (*call.code)->unzipped, config); !done) return ApiFailure(done.error());
  if (auto* wanted = call.body.if_contains("Architectures"); wanted && wanted->is_array())
    config["Architectures"] = *wanted;
  if (boolOr(call.body, "DryRun", false)) return ApiReply{200, config};
  takeCode(**call.code, changed.latest());
  touch(registry_, config);
  changed.changed = true;
  if (auto done = commit(function, std::move(changed)); !done) return ApiFailure(done.error());
  registry_.activate(function, function.latest());
  if (!boolOr(call.body, "Publish", false)) return ApiReply{200, function.latest().config};
  auto published = publish(function, {});
  if (!published) return ApiFailure(published.error());
  return ApiReply{200, *published};
}

ApiAnswer Control::updateConfiguration(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  if (!isFunctionItself(target->ref)) return onlyFunctions();
  FunctionRecord& function = *target->function;
  if (staleRevision(call.body, function.latest().config)) return ApiFailure(contract::preconditionFailed());
  FunctionRecord changed = function;
  VersionRecord& latest = changed.latest();
  if (auto done = oneFileSystem(call.body); !done) return ApiFailure(done.error());
  if (auto done = configure(registry_, call.body, latest.code.unzipped, latest.config); !done) {
    return ApiFailure(done.error());
  }
  touch(registry_, latest.config);
  changed.changed = true;
  if (auto done = commit(function, std::move(changed)); !done) return ApiFailure(done.error());
  registry_.activate(function, function.latest());
  return ApiReply{200, function.latest().config};
}

ApiAnswer Control::deleteFunction(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  FunctionRecord& function = *target->function;
  const std::string& qualifier = target->ref.qualifier;
  if (qualifier.empty()) {
    if (auto done = registry_.remove(function.name); !done) return ApiFailure(done.error());
    return ApiReply{204, std::nullopt};
  }
  if (qualifier == "$LATEST") {
    return ApiFailure(contract::invalidParameter("$LATEST version cannot be deleted without deleting the function."));
  }
  auto version = function.versions.find(qualifier);
  if (version == function.versions.end()) return ApiReply{204, std::nullopt};
  for (auto& [name, alias] : function.aliases) {
    if (alias.version == qualifier || alias.other == qualifier) {
      return ApiFailure(contract::conflict(
          fmt::format("Version {} is being referenced by alias [{}] and cannot be deleted.", qualifier, name)));
    }
  }
  VersionRecord retired = version->second;
  FunctionRecord changed = function;
  changed.versions.erase(qualifier);
  changed.provisioned.erase(qualifier);
  if (auto done = commit(function, std::move(changed)); !done) return ApiFailure(done.error());
  registry_.retire(retired);
  return ApiReply{204, std::nullopt};
}

ApiAnswer Control::accountSettings(const ApiCall&) {
  const auto& limits = registry_.options().limits;
  int64_t size = 0;
  for (auto& [name, function] : registry_.functions()) {
    for (auto& [number, version] : function.versions) size += version.code.size;
  }
  json::object limit = {{"TotalCodeSize", limits.code_storage.value},
                        {"CodeSizeUnzipped", limits.unzipped.value},
                        {"CodeSizeZipped", limits.zipped.value},
                        {"ConcurrentExecutions", limits.account_concurrency},
                        {"UnreservedConcurrentExecutions", unreserved(nullptr)}};
  json::object usage = {{"TotalCodeSize", size}, {"FunctionCount", registry_.functions().size()}};
  return ApiReply{200, json::object{{"AccountLimit", std::move(limit)}, {"AccountUsage", std::move(usage)}}};
}

ApiResult<void> Control::install(json::object request, const CodeRef& code, std::vector<CodeRef> layers,
                                 std::optional<int> reserved, int provisioned) {
  std::string name = stringOr(request, "FunctionName", "");
  json::array layer_arns;
  int number = 0;
  for (auto& layer : layers) {
    // Layers of a file have no name of their own: one named after the function and the place in its list.
    std::string layer_name = fmt::format("{}-{}", name, ++number);
    LayerRecord& record = registry_.layers()[layer_name];
    record.name = layer_name;
    bool same = !record.versions.empty() && record.versions.rbegin()->second.code.sha_hex == layer.sha_hex;
    if (!same) record.versions[record.next_version++] = {json::object{}, layer, false};
    if (auto done = registry_.save(record); !done) return done;
    layer_arns.push_back(
        json::value(contract::layerArn(registry_.options().place, layer_name, record.versions.rbegin()->first)));
  }
  request["Layers"] = std::move(layer_arns);
  FunctionRecord* existing = registry_.find(name);
  FunctionRecord changed = existing ? *existing : FunctionRecord{};
  changed.name = name;
  VersionRecord& latest = changed.versions["$LATEST"];
  VersionPtr live = latest.live;
  latest.config = defaultConfig(registry_, name);
  if (auto done = configure(registry_, request, code.unzipped, latest.config); !done) return done;
  takeCode(code, latest);
  touch(registry_, latest.config);
  changed.changed = true;
  changed.snapshot_latest = true;  // nobody publishes versions of a file's functions
  changed.reserved = reserved;
  if (auto done = registry_.save(changed); !done) return done;
  auto& stored = registry_.functions()[name] = std::move(changed);
  if (!existing) registry_.enlist(stored);
  registry_.setReserved(stored);
  registry_.activate(stored, stored.latest());
  if (provisioned > 0) registry_.setProvisioned(stored.latest(), provisioned);
  return {};
}

}  // namespace lectern::engine
