#include "pack/deploy.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/files.h"
#include "base/hash.h"
#include "net/http_client.h"
#include "net/sigv4.h"
#include "net/url.h"

namespace lectern::pack {

namespace {
std::string variable(const char* name, std::string otherwise = "") {
  const char* value = std::getenv(name);
  return value != nullptr ? value : std::move(otherwise);
}

class Endpoint {
 public:
  Endpoint(net::HostPort place, std::string region, WallTime now)
      : place_(std::move(place)), region_(std::move(region)), now_(now), client_(place_.host, place_.port) {}

  Result<net::ClientResponse> send(const std::string& method, const std::string& path, const json::value& value) {
    const std::string body = lectern::toJson(value);
    net::ClientRequest request;
    request.method = method;
    request.target = place_.base_path + path;
    request.body = body;
    request.headers.add("Content-Type", "application/json");
    if (const auto key = variable("AWS_ACCESS_KEY_ID"); !key.empty()) {
      net::signRequest(request.headers, method, request.target, fmt::format("{}:{}", place_.host, place_.port), body,
                       region_, "lambda", {key, variable("AWS_SECRET_ACCESS_KEY"), variable("AWS_SESSION_TOKEN")},
                       now_);
    }
    return client_.send(request);
  }

 private:
  net::HostPort place_;
  std::string region_;
  WallTime now_;
  net::HttpClient client_;
};

json::object configuration(const contract::FunctionConfig& f, const std::string& role) {
  json::object out{{"FunctionName", f.name},
                   {"Runtime", f.runtime},
                   {"Handler", f.handler},
                   {"Role", role},
                   {"MemorySize", f.memory_mb},
                   {"Timeout", f.timeout_s},
                   {"EphemeralStorage", json::object{{"Size", f.tmp_mb}}},
                   {"Environment", json::object{{"Variables", json::value_from(f.environment)}}}};
  if (!f.description.empty()) out["Description"] = f.description;
  if (f.snap_start) out["SnapStart"] = json::object{{"ApplyOn", "PublishedVersions"}};
  if (f.file_system && !f.file_system->arn.empty()) {
    out["FileSystemConfigs"] =
        json::array{json::object{{"Arn", f.file_system->arn}, {"LocalMountPath", f.file_system->local_mount_path}}};
  }
  json::array layers;
  for (const auto& layer : f.layers) {
    if (layer.starts_with("arn:")) layers.emplace_back(layer);
  }
  if (!layers.empty()) out["Layers"] = std::move(layers);
  return out;
}

Failure refused(const std::string& name, const net::ClientResponse& answer) {
  return fail(Code::kDenied, fmt::format("'{}' was refused with status {}: {}", name, answer.status, answer.body));
}

Result<Deployed> deployOne(Endpoint& endpoint, const contract::FunctionConfig& f, const PackedFunction& packed,
                           const std::string& role) {
  TRY(const auto zip, readFile(packed.zip));
  const std::string code = base64Encode(zip);
  json::object create = configuration(f, role);
  create["Architectures"] = json::array{f.architecture};
  create["Code"] = json::object{{"ZipFile", code}};
  TRY(auto answer, endpoint.send("POST", "/2015-03-31/functions", create));
  if (answer.status / 100 == 2) return Deployed{f.name, true, packed.zip_bytes};
  if (answer.status != 409) return refused(f.name, answer);
  const std::string base = "/2015-03-31/functions/" + f.name;
  TRY(answer, endpoint.send("PUT", base + "/code", json::object{{"ZipFile", code}}));
  if (answer.status / 100 != 2) return refused(f.name, answer);
  TRY(answer, endpoint.send("PUT", base + "/configuration", configuration(f, role)));
  if (answer.status / 100 != 2) return refused(f.name, answer);
  return Deployed{f.name, false, packed.zip_bytes};
}
}  // namespace

Result<std::vector<Deployed>> deploy(const DeployOptions& options, WallTime now) {
  const auto place = net::parseHttpUrl(options.endpoint);
  if (!place) {
    return fail(Code::kInvalid,
                fmt::format("endpoint '{}': only http://HOST:PORT is spoken, not https: AWS itself cannot "
                            "be reached yet",
                            options.endpoint));
  }
  TRY(const auto config, loadConfig(options.pack.config));
  // A function without one of its layers would fail at its first call, far from the cause.
  for (const auto& f : config.functions) {
    for (const auto& layer : f.layers) {
      if (!layer.starts_with("arn:")) {
        return fail(Code::kInvalid, fmt::format("'{}' uses the local layer '{}': publish it first (aws lambda "
                                                "publish-layer-version) and give its ARN in the configuration",
                                                f.name, layer));
      }
    }
  }
  TRY(const auto packed, pack(options.pack));
  Endpoint endpoint(*place, config.region, now);
  const std::string role = config.role.starts_with("arn:") ? config.role : "arn:aws:iam::000000000000:role/lectern";
  std::vector<Deployed> out;
  for (const auto& function : packed.functions) {
    TRY(auto one, deployOne(endpoint, *config.function(function.name), function, role));
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace lectern::pack
