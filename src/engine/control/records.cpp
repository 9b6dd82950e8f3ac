#include "engine/control/records.h"

namespace lectern::engine {

namespace {

json::object objectAt(const json::object& from, std::string_view key) {
  auto* value = from.if_contains(key);
  return value && value->is_object() ? value->as_object() : json::object{};
}

template <typename Map, typename F>
json::object mapToObject(const Map& map, F f) {
  json::object out;
  for (auto& [key, value] : map) out[key] = f(value);
  return out;
}

Result<json::object> parseObject(std::string_view text) {
  TRY(json::value value, parseJson(text));
  if (!value.is_object()) return fail(Code::kCorrupt, "not an object");
  return value.as_object();
}

}  // namespace

json::object CodeRef::toObject() const {
  return {{"sha", sha_hex}, {"directory", directory}, {"size", size}, {"unzipped", unzipped}};
}

CodeRef CodeRef::fromObject(const json::object& object) {
  return {stringOr(object, "sha", ""), stringOr(object, "directory", ""), intOr(object, "size", 0),
          intOr(object, "unzipped", 0)};
}

std::string FunctionRecord::toText() const {
  json::object out;
  out["name"] = name;
  out["next_version"] = next_version;
  out["changed"] = changed;
  if (snapshot_latest) out["snapshot_latest"] = true;
  if (reserved) out["reserved"] = *reserved;
  out["versions"] = mapToObject(versions, [](const VersionRecord& v) {
    return json::object{{"config", v.config}, {"code", v.code.toObject()}};
  });
  out["aliases"] = mapToObject(aliases, [](const AliasRecord& a) {
    return json::object{{"body", a.body}, {"version", a.version}, {"other", a.other}, {"weight", a.weight}};
  });
  out["provisioned"] = mapToObject(provisioned, [](const ProvisionedRecord& p) {
    return json::object{{"count", p.count}, {"last_modified", p.last_modified}};
  });
  auto same = [](const auto& value) { return value; };
  out["urls"] = mapToObject(urls, same);
  out["event_configs"] = mapToObject(event_configs, same);
  out["policies"] = mapToObject(policies, same);
  out["policy_revisions"] = mapToObject(policy_revisions, same);
  out["tags"] = tags;
  out["recursion"] = recursion;
  out["runtime_management"] = runtime_management;
  return toJson(out);
}

Result<FunctionRecord> FunctionRecord::fromText(std::string_view text) {
  TRY(json::object in, parseObject(text));
  FunctionRecord out;
  out.name = stringOr(in, "name", "");
  out.next_version = intOr(in, "next_version", 1);
  out.changed = boolOr(in, "changed", true);
  out.snapshot_latest = boolOr(in, "snapshot_latest", false);
  if (in.contains("reserved")) out.reserved = int(intOr(in, "reserved", 0));
  for (auto& [key, value] : objectAt(in, "versions")) {
    if (!value.is_object()) return fail(Code::kCorrupt, "a version is not an object");
    out.versions[key] = {objectAt(value.as_object(), "config"),
                         CodeRef::fromObject(objectAt(value.as_object(), "code")), nullptr};
  }
  for (auto& [key, value] : objectAt(in, "aliases")) {
    if (!value.is_object()) return fail(Code::kCorrupt, "an alias is not an object");
    auto& alias = value.as_object();
    out.aliases[key] = {objectAt(alias, "body"), stringOr(alias, "version", ""), stringOr(alias, "other", ""),
                        doubleOr(alias, "weight", 0)};
  }
  for (auto& [key, value] : objectAt(in, "provisioned")) {
    if (value.is_object()) {
      out.provisioned[key] = {int(intOr(value.as_object(), "count", 0)),
                              stringOr(value.as_object(), "last_modified", "")};
    }
  }
  for (auto& [key, value] : objectAt(in, "urls"))
    out.urls[key] = value.is_object() ? value.as_object() : json::object{};
  for (auto& [key, value] : objectAt(in, "event_configs")) {
    out.event_configs[key] = value.is_object() ? value.as_object() : json::object{};
  }
  for (auto& [key, value] : objectAt(in, "policies")) {
    out.policies[key] = value.is_array() ? value.as_array() : json::array{};
  }
  for (auto& [key, value] : objectAt(in, "policy_revisions")) {
    if (value.is_string()) out.policy_revisions[key] = value.as_string().c_str();
  }
  out.tags = objectAt(in, "tags");
  out.recursion = objectAt(in, "recursion");
  out.runtime_management = objectAt(in, "runtime_management");
  if (out.name.empty() || !out.versions.contains("$LATEST")) return fail(Code::kCorrupt, "a function without $LATEST");
  return out;
}

std::string LayerRecord::toText() const {
  json::object out;
  out["name"] = name;
  out["next_version"] = next_version;
  json::object list;
  for (auto& [number, version] : versions) {
    list[std::to_string(number)] =
        json::object{{"body", version.body},
                     {"code", version.code.toObject()},
                     {"deleted", version.deleted},
                     {"policy", version.policy},
                     {"policy_revision", version.policy_revision}};
  }
  out["versions"] = std::move(list);
  return toJson(out);
}

Result<LayerRecord> LayerRecord::fromText(std::string_view text) {
  TRY(json::object in, parseObject(text));
  LayerRecord out;
  out.name = stringOr(in, "name", "");
  out.next_version = intOr(in, "next_version", 1);
  for (auto& [key, value] : objectAt(in, "versions")) {
    if (!value.is_object()) return fail(Code::kCorrupt, "a layer version is not an object");
    auto& version = value.as_object();
    LayerVersionRecord record{objectAt(version, "body"), CodeRef::fromObject(objectAt(version, "code")),
                              boolOr(version, "deleted", false)};
    if (auto* policy = version.if_contains("policy"); policy && policy->is_array()) record.policy = policy->as_array();
    record.policy_revision = stringOr(version, "policy_revision", "");
    out.versions[std::strtoll(std::string(key).c_str(), nullptr, 10)] = std::move(record);
  }
  return out;
}

}  // namespace lectern::engine
