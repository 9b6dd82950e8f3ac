#include <fmt/core.h>

#include "engine/control/control.h"

namespace lectern::engine {

using contract::ApiFailure;

namespace {

/// Name of a layer given as a name or an ARN.
std::string layerName(const std::string& given) {
  if (!given.starts_with("arn:")) return given;
  if (auto ref = contract::parseLayerVersionArn(given)) return ref->name;
  return given.substr(given.rfind(':') + 1);
}

ApiFailure missing() { return ApiFailure(contract::notFound("The resource you requested does not exist.")); }

/// Lists show a version without the layer's own ARN.
json::object listed(json::object body) {
  body.erase("LayerArn");
  return body;
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

ApiAnswer Control::publishLayer(const ApiCall& call) {
  std::string name = layerName(call.parameter("LayerName"));
  if (!contract::isFunctionName(name) && name.size() <= 140) {
    return ApiFailure(contract::validation(
        name, "layerName",
        "Member must satisfy regular expression pattern: (arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:"
        "[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+"));
  }
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
  if (layer == registry_.layers().end()) return missing();
  auto version = layer->second.versions.find(number);
  if (version == layer->second.versions.end() || version->second.deleted) return missing();
  const CodeRef& code = version->second.code;
  json::object body = version->second.body;
  body["Content"] = json::object{
      {"Location", locationOf(code)["Location"]}, {"CodeSha256", base64OfHex(code.sha_hex)}, {"CodeSize", code.size}};
  return ApiReply{200, std::move(body)};
}

ApiAnswer Control::listLayers(const ApiCall& call) {
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
