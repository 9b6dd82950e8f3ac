#include <fmt/core.h>

#include "base/ids.h"
#include "engine/control/control.h"

namespace lectern::engine {

using contract::ApiFailure;
using contract::ApiResult;

namespace {

json::object shownVersion(const Registry& registry, const FunctionRecord& function, const std::string& number,
                          const VersionRecord& version) {
  json::object config = version.config;
  config["FunctionArn"] = registry.arn(function.name, number);
  return config;
}

ApiFailure aliasMissing(const Registry& registry, std::string_view function, std::string_view alias) {
  return ApiFailure(contract::notFound("Cannot find alias arn: " + registry.arn(function, alias)));
}

}  // namespace

/// Makes the next version from $LATEST, or finds that nothing has changed since the last one.
ApiResult<json::object> Control::publish(FunctionRecord& function, const json::object& body) {
  const json::object& latest = function.latest().config;
  std::string sha = stringOr(body, "CodeSha256", ""), revision = stringOr(body, "RevisionId", "");
  if (!sha.empty() && sha != stringOr(latest, "CodeSha256", "")) {
    return ApiFailure(contract::invalidParameter(
        fmt::format("CodeSHA256 ({}) is different from current CodeSHA256 in $LATEST ({}). Please try again with the "
                    "CodeSHA256 in $LATEST.",
                    sha, stringOr(latest, "CodeSha256", ""))));
  }
  if (!revision.empty() && revision != stringOr(latest, "RevisionId", "")) {
    return ApiFailure(contract::preconditionFailed());
  }
  if (!function.changed && function.next_version > 1) {
    auto last = function.versions.find(std::to_string(function.next_version - 1));
    if (last != function.versions.end()) return shownVersion(registry_, function, last->first, last->second);
  }
  FunctionRecord changed = function;
  std::string number = std::to_string(changed.next_version++);
  VersionRecord version = changed.latest();
  version.live = nullptr;
  version.config["Version"] = number;
  version.config["FunctionArn"] = registry_.arn(function.name, number);
  version.config["RevisionId"] = newUuid();
  if (auto* text = body.if_contains("Description"); text && text->is_string() && !text->as_string().empty()) {
    version.config["Description"] = *text;
  }
  if (stringOr(objectAt(version.config, "SnapStart"), "ApplyOn", "None") == "PublishedVersions") {
    version.config["SnapStart"] = json::object{{"ApplyOn", "PublishedVersions"}, {"OptimizationStatus", "On"}};
    // Until its snapshot is made (snapshotMade); invocations are served the ordinary way meanwhile.
    version.config["State"] = "Pending";
    version.config["StateReason"] = "The function is being created.";
    version.config["StateReasonCode"] = "Creating";
  }
  changed.versions[number] = std::move(version);
  changed.changed = false;
  if (auto done = commit(function, std::move(changed)); !done) return ApiFailure(done.error());
  VersionRecord& stored = function.versions.at(number);
  registry_.activate(function, stored);
  return stored.config;
}

ApiAnswer Control::publishVersion(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  auto published = publish(*target->function, call.body);
  if (!published) return ApiFailure(published.error());
  return ApiReply{201, *published};
}

ApiAnswer Control::listVersions(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  FunctionRecord& function = *target->function;
  json::array items;
  items.push_back(shownVersion(registry_, function, "$LATEST", function.latest()));
  for (int64_t n = 1; n < function.next_version; ++n) {
    auto it = function.versions.find(std::to_string(n));
    if (it != function.versions.end()) items.push_back(shownVersion(registry_, function, it->first, it->second));
  }
  return page(call, "Versions", std::move(items));
}

/// Takes FunctionVersion, Description and RoutingConfig over, each when it is given.
ApiResult<void> Control::fillAlias(const FunctionRecord& function, const json::object& body, AliasRecord& alias) {
  std::string version = stringOr(body, "FunctionVersion", alias.version);
  if (!function.versions.contains(version)) {
    return ApiFailure(contract::functionNotFound(registry_.arn(function.name, version)));
  }
  alias.version = version;
  alias.body["FunctionVersion"] = version;
  if (auto* text = body.if_contains("Description"); text && text->is_string()) alias.body["Description"] = *text;
  auto* routing = body.if_contains("RoutingConfig");
  if (!routing || !routing->is_object()) return {};
  json::object weights = objectAt(routing->as_object(), "AdditionalVersionWeights");
  if (weights.size() > 1) {
    return ApiFailure(
        contract::invalidParameter("Number of items in AdditionalVersionWeights cannot be greater than 1"));
  }
  if (weights.empty()) {
    alias.other.clear();
    alias.weight = 0;
    alias.body.erase("RoutingConfig");
    return {};
  }
  std::string other = weights.begin()->key();
  if (!contract::isVersionNumber(other)) {
    return ApiFailure(contract::validation(
        fmt::format("{{{}={}}}", other, toJson(weights.begin()->value())), "routingConfig.additionalVersionWeights",
        "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length "
        "greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]"));
  }
  double weight = weights.begin()->value().is_number() ? weights.begin()->value().to_number<double>() : -1;
  if (weight < 0 || weight > 1) {
    return ApiFailure(
        contract::validation(fmt::format("{{{}={:.1f}}}", other, weight), "routingConfig.additionalVersionWeights",
                             "Map value must satisfy constraint: [Member must have value less than or equal "
                             "to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"));
  }
  if (version == "$LATEST") {
    return ApiFailure(
        contract::invalidParameter("$LATEST is not supported for an alias pointing to more than 1 version"));
  }
  if (other == version) {
    return ApiFailure(contract::invalidParameter(
        fmt::format("Invalid function version {}. Function version {} is already included in routing configuration.",
                    other, other)));
  }
  if (!function.versions.contains(other)) {
    return ApiFailure(contract::functionNotFound(registry_.arn(function.name, other)));
  }
  alias.other = other;
  alias.weight = weight;
  alias.body["RoutingConfig"] = *routing;
  return {};
}

ApiAnswer Control::createAlias(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  FunctionRecord& function = *target->function;
  std::string name = stringOr(call.body, "Name", "");
  if (!contract::isAliasName(name)) {
    return ApiFailure(contract::validation(
        name, "name", "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"));
  }
  if (function.aliases.contains(name)) {
    return ApiFailure(contract::conflict("Alias already exists: " + registry_.arn(function.name, name)));
  }
  AliasRecord alias;
  alias.body = {{"AliasArn", registry_.arn(function.name, name)}, {"Name", name}, {"Description", ""}};
  if (auto done = fillAlias(function, call.body, alias); !done) return ApiFailure(done.error());
  alias.body["RevisionId"] = newUuid();
  FunctionRecord changed = function;
  auto body = alias.body;
  changed.aliases[name] = std::move(alias);
  if (auto done = commit(function, std::move(changed)); !done) return ApiFailure(done.error());
  return ApiReply{201, std::move(body)};
}

ApiAnswer Control::updateAlias(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  FunctionRecord& function = *target->function;
  std::string name = call.parameter("Name");
  if (!function.aliases.contains(name)) {
    return ApiFailure(contract::notFound("Alias not found: " + registry_.arn(function.name, name)));
  }
  FunctionRecord changed = function;
  AliasRecord& alias = changed.aliases.at(name);
  std::string revision = stringOr(call.body, "RevisionId", "");
  if (!revision.empty() && revision != stringOr(alias.body, "RevisionId", "")) {
    return ApiFailure(contract::preconditionFailed());
  }
  if (auto done = fillAlias(function, call.body, alias); !done) return ApiFailure(done.error());
  alias.body["RevisionId"] = newUuid();
  if (auto done = commit(function, std::move(changed)); !done) return ApiFailure(done.error());
  registry_.applyProvisioned(function);
  return ApiReply{200, function.aliases.at(name).body};
}

ApiAnswer Control::getAlias(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  auto it = target->function->aliases.find(call.parameter("Name"));
  if (it == target->function->aliases.end()) {
    return aliasMissing(registry_, target->function->name, call.parameter("Name"));
  }
  return ApiReply{200, it->second.body};
}

ApiAnswer Control::deleteAlias(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  FunctionRecord changed = *target->function;
  changed.aliases.erase(call.parameter("Name"));
  changed.provisioned.erase(call.parameter("Name"));
  changed.urls.erase(call.parameter("Name"));
  if (auto done = commit(*target->function, std::move(changed)); !done) return ApiFailure(done.error());
  registry_.applyProvisioned(*target->function);
  return ApiReply{204, std::nullopt};
}

ApiAnswer Control::listAliases(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  std::string version = call.queryOr("FunctionVersion");
  json::array items;
  for (auto& [name, alias] : target->function->aliases) {
    if (version.empty() || alias.version == version || alias.other == version) items.push_back(alias.body);
  }
  return page(call, "Aliases", std::move(items));
}

}  // namespace lectern::engine
