#include "pack/deploy.h"

#include <fmt/format.h>

#include <map>

#include "base/files.h"
#include "base/hash.h"
#include "pack/endpoint.h"

namespace lectern::pack {

namespace {
/// By key of serverless.yml: the ARN of the published version.
using LayerArns = std::map<std::string, std::string>;

// Every function must be created with a role; our engine asks for no more than its form. AWS refuses this one.
constexpr const char* kNoRole = "arn:aws:iam::000000000000:role/lectern";

json::object configuration(const contract::FunctionConfig& f, const std::string& role, const LayerArns& published) {
  json::object out{{"FunctionName", f.name},
                   {"Runtime", f.runtime},
                   {"Handler", f.handler},
                   {"MemorySize", f.memory_mb},
                   {"Timeout", f.timeout_s},
                   {"EphemeralStorage", json::object{{"Size", f.tmp_mb}}},
                   {"Environment", json::object{{"Variables", json::value_from(f.environment)}}}};
  if (!role.empty()) out["Role"] = role;
  if (!f.description.empty()) out["Description"] = f.description;
  if (f.snap_start) out["SnapStart"] = json::object{{"ApplyOn", "PublishedVersions"}};
  if (f.file_system && !f.file_system->arn.empty()) {
    out["FileSystemConfigs"] =
        json::array{json::object{{"Arn", f.file_system->arn}, {"LocalMountPath", f.file_system->local_mount_path}}};
  }
  json::array layers;
  for (const auto& layer : f.layers) {
    const auto own = published.find(layer);
    layers.emplace_back(own != published.end() ? own->second : layer);
  }
  out["Layers"] = std::move(layers);
  return out;
}

Failure refused(const std::string& name, const EndpointAnswer& answer) {
  return fail(Code::kDenied, fmt::format("'{}' was refused with status {}: {}", name, answer.status, answer.body));
}

Result<Deployed> deployOne(Endpoint& endpoint, const contract::FunctionConfig& f, const PackedFunction& packed,
                           const std::string& role, const LayerArns& published) {
  TRY(const auto zip, readFile(packed.zip));
  const std::string code = base64Encode(zip);
  json::object create = configuration(f, role.empty() ? kNoRole : role, published);
  create["Architectures"] = json::array{f.architecture};
  create["Code"] = json::object{{"ZipFile", code}};
  TRY(auto answer, endpoint.send("POST", "/2015-03-31/functions", create));
  if (answer.status / 100 == 2) {
    TRY_VOID(endpoint.settled(f.name));
    return Deployed{f.name, true, packed.zip_bytes};
  }
  if (answer.status != 409) return refused(f.name, answer);
  const std::string base = "/2015-03-31/functions/" + f.name;
  TRY(answer, endpoint.send("PUT", base + "/code", json::object{{"ZipFile", code}}));
  if (answer.status / 100 != 2) return refused(f.name, answer);
  TRY_VOID(endpoint.settled(f.name));  // Lambda takes one change at a time
  TRY(answer, endpoint.send("PUT", base + "/configuration", configuration(f, role, published)));
  if (answer.status / 100 != 2) return refused(f.name, answer);
  return Deployed{f.name, false, packed.zip_bytes};
}
/// Publishes the layers that come from folders of this service and are used by one of `names`.
Result<LayerArns> publishLayers(Endpoint& endpoint, const contract::ServerlessConfig& config,
                                const std::vector<PackedFunction>& functions, const std::filesystem::path& out) {
  LayerArns published;
  for (const auto& function : functions) {
    for (const auto& key : function.layers) {
      if (key.starts_with("arn:") || published.contains(key)) continue;
      const contract::LayerConfig* layer = config.layer(key);
      if (layer == nullptr)
        return fail(Code::kInvalid, fmt::format("'{}' uses the layer '{}', which is not in the file", function.name, key));
      TRY(const auto zip, readFile(out / ("layer-" + key + ".zip")));
      json::object body{{"Content", json::object{{"ZipFile", base64Encode(zip)}}}, {"Description", layer->description}};
      if (!layer->runtimes.empty()) body["CompatibleRuntimes"] = json::value_from(layer->runtimes);
      const std::string name = layer->name.empty() ? key : layer->name;
      TRY(const auto answer, endpoint.send("POST", "/2018-10-31/layers/" + name + "/versions", body));
      if (answer.status / 100 != 2) return refused("layer " + name, answer);
      TRY(const auto value, parseJson(answer.body));
      const std::string arn = value.is_object() ? stringOr(value.get_object(), "LayerVersionArn", "") : "";
      if (arn.empty()) return fail(Code::kCorrupt, fmt::format("layer '{}': the answer has no LayerVersionArn", name));
      published[key] = arn;
    }
  }
  return published;
}
}  // namespace

Result<std::vector<Deployed>> deploy(const DeployOptions& options, const Clock& clock) {
  TRY(const auto config, loadConfig(options.pack.config));
  TRY(const auto endpoint, Endpoint::open(options.endpoint, config.region, clock));
  TRY(const auto packed, pack(options.pack));
  TRY(const auto published, publishLayers(*endpoint, config, packed.functions, options.pack.out));
  const std::string role = config.role.starts_with("arn:") ? config.role : "";
  std::vector<Deployed> out;
  for (const auto& function : packed.functions) {
    TRY(auto one, deployOne(*endpoint, *config.function(function.name), function, role, published));
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace lectern::pack
