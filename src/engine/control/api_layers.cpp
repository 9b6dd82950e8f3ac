#include <fmt/core.h>
#include <fmt/ranges.h>

#include "engine/control/configure.h"
#include "engine/control/control.h"

namespace lectern::engine {

using contract::ApiFailure;

namespace {

/// Lists show a version without the layer's own ARN.
json::object listed(json::object body) {
  body.erase("LayerArn");
  return body;
}

/// All that is wrong with the runtimes and architectures that a layer names.
std::optional<contract::ApiError> checkCompatible(const json::object& body) {
  std::vector<std::string> wrong;
  auto check = [&](std::string_view key, std::string_view field, auto known, const std::string& constraint) {
    auto* list = body.if_contains(key);
    if (!list || !list->is_array()) return;
    std::string all;
    bool good = true;
    for (auto& item : list->as_array()) {
      std::string_view name = item.is_string() ? std::string_view(item.get_string()) : "null";
      all += (all.empty() ? "" : ", ") + std::string(name);
      good &= known(name);
    }
    if (!good) {
      wrong.push_back(fmt::format("Value '[{}]' at '{}' failed to satisfy constraint: {}", all, field, constraint));
    }
  };
  check("CompatibleRuntimes", "compatibleRuntimes", wasEverRuntime,
        "Member must satisfy enum value set: [" + allRuntimes() + "]");
  check("CompatibleArchitectures", "compatibleArchitectures",
        [](std::string_view name) { return name == "x86_64" || name == "arm64"; },
        "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]");
  if (wrong.empty()) return std::nullopt;
  return contract::ApiError{400, "ValidationException",
                            fmt::format("{} validation error{} detected: {}", wrong.size(), wrong.size() > 1 ? "s" : "",
                                        fmt::join(wrong, "; ")),
                            "", false};
}

bool runsOn(const json::object& body, const std::string& runtime) {
  if (runtime.empty()) return true;
  auto* list = body.if_contains("CompatibleRuntimes");
  if (!list || !list->is_array()) return false;
  for (auto& item : list->as_array()) {
    if (item.is_string() && item.as_string() == runtime) return true;
  }
  return false;
}

}  // namespace

std::string layerName(const std::string& given) {
  if (!given.starts_with("arn:")) return given;
  if (auto ref = contract::parseLayerVersionArn(given)) return ref->name;
  return given.substr(given.rfind(':') + 1);
}

ApiAnswer Control::publishLayer(const ApiCall& call) {
  std::string name = layerName(call.parameter("LayerName"));
  if (!contract::isFunctionName(name) && name.size() <= 140) {
    return ApiFailure(contract::validation(
        name, "layerName",
        "Member must satisfy regular expression pattern: (arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:"
        "[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+"));
  }
  if (auto wrong = checkCompatible(call.body)) return ApiFailure(*wrong);
  if (!call.code || !*call.code) return ApiFailure(call.code ? call.code->error() : contract::serviceError("no code"));
  const CodeRef& code = **call.code;
  auto existing = registry_.layers().find(name);
  LayerRecord layer = existing == registry_.layers().end() ? LayerRecord{} : existing->second;
  layer.name = name;
  int64_t number = layer.next_version++;
  json::object body;
  body["LayerArn"] = contract::layerArn(registry_.options().place, name);
  body["LayerVersionArn"] = contract::layerArn(registry_.options().place, name, number);
  body["Description"] = stringOr(call.body, "Description", "");
  body["CreatedDate"] = registry_.now();
  body["Version"] = number;
  for (std::string_view key : {"CompatibleRuntimes", "LicenseInfo", "CompatibleArchitectures"}) {
    if (auto* value = call.body.if_contains(key)) body[key] = *value;
  }
  layer.versions[number] = {body, code, false};
  if (auto done = registry_.save(layer); !done) return ApiFailure(done.error());
  registry_.layers()[name] = std::move(layer);
  body["Content"] = json::object{
      {"Location", locationOf(code)["Location"]}, {"CodeSha256", base64OfHex(code.sha_hex)}, {"CodeSize", code.size}};
  return ApiReply{201, std::move(body)};
}

ApiAnswer Control::getLayer(const ApiCall&, const std::string& given, int64_t number) {
  std::string name = layerName(given);
  auto layer = registry_.layers().find(name);
  if (layer == registry_.layers().end()) return notThere();
  auto version = layer->second.versions.find(number);
  if (version == layer->second.versions.end() || version->second.deleted) return notThere();
  const CodeRef& code = version->second.code;
  json::object body = version->second.body;
  body["Content"] = json::object{
      {"Location", locationOf(code)["Location"]}, {"CodeSha256", base64OfHex(code.sha_hex)}, {"CodeSize", code.size}};
  return ApiReply{200, std::move(body)};
}

ApiAnswer Control::listLayers(const ApiCall& call) {
  std::string architecture = call.queryOr("CompatibleArchitecture");
  if (!architecture.empty() && architecture != "x86_64" && architecture != "arm64") {
    return ApiFailure(contract::validation(architecture, "compatibleArchitecture",
                                           "Member must satisfy enum value set: [x86_64, arm64]"));
  }
  json::array items;
  for (auto& [name, layer] : registry_.layers()) {
    for (auto it = layer.versions.rbegin(); it != layer.versions.rend(); ++it) {
      if (it->second.deleted || !runsOn(it->second.body, call.queryOr("CompatibleRuntime"))) continue;
      items.push_back(json::object{{"LayerName", name},
                                   {"LayerArn", contract::layerArn(registry_.options().place, name)},
                                   {"LatestMatchingVersion", listed(it->second.body)}});
      break;
    }
  }
  return page(call, "Layers", std::move(items));
}

ApiAnswer Control::listLayerVersions(const ApiCall& call) {
  json::array items;
  auto layer = registry_.layers().find(layerName(call.parameter("LayerName")));
  if (layer != registry_.layers().end()) {
    for (auto it = layer->second.versions.rbegin(); it != layer->second.versions.rend(); ++it) {
      if (!it->second.deleted && runsOn(it->second.body, call.queryOr("CompatibleRuntime"))) {
        items.push_back(listed(it->second.body));
      }
    }
  }
  return page(call, "LayerVersions", std::move(items));
}

ApiAnswer Control::deleteLayer(const ApiCall& call) {
  auto it = registry_.layers().find(layerName(call.parameter("LayerName")));
  int64_t number = std::strtoll(call.parameter("VersionNumber").c_str(), nullptr, 10);
  if (it != registry_.layers().end() && it->second.versions.contains(number)) {
    // Functions that use it go on doing so.
    LayerRecord changed = it->second;
    changed.versions.at(number).deleted = true;
    if (auto done = registry_.save(changed); !done) return ApiFailure(done.error());
    it->second = std::move(changed);
  }
  return ApiReply{204, std::nullopt};
}

}  // namespace lectern::engine
