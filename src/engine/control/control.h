#pragma once
// The control plane's operations: each takes a decoded call and answers with a status and a JSON document, or an
// error.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "contract/operations.h"
#include "engine/control/registry.h"
#include "engine/control/worker.h"

namespace lectern::engine {

struct ApiCall {
  contract::Operation operation{};
  int ok_status = 200;
  std::map<std::string, std::string, std::less<>> parameters;  // of the path, decoded
  std::map<std::string, std::string, std::less<>> query;       // the first of each name, decoded
  std::vector<std::string> tag_keys;
  json::object body;
  std::optional<contract::ApiResult<CodeRef>> code;  // of operations that bring code

  std::string parameter(std::string_view name) const;
  std::string queryOr(std::string_view name, std::string_view otherwise = "") const;
};

struct ApiReply {
  int status = 200;
  std::optional<json::value> body;  // nothing: an empty body
};
using ApiAnswer = contract::ApiResult<ApiReply>;

class Control {
 public:
  Control(net::Loop& loop, Registry& registry) : registry_(registry), worker_(loop) {}

  using Done = std::function<void(ApiAnswer)>;
  /// `done` is called once, from the loop, perhaps from within. Large bodies and code are worked on elsewhere first.
  void handle(const contract::OperationMatch& match, std::string_view query, std::string body, Done done);

  /// Where GetFunction's Code.Location points, without the hash: "http://127.0.0.1:9000/lectern/code/".
  void setCodeUrl(std::string url) { code_url_ = std::move(url); }
  /// A function from a configuration file: made or brought up to date.
  contract::ApiResult<void> install(json::object request, const CodeRef& code, std::vector<CodeRef> layers,
                                    std::optional<int> reserved, int provisioned);

 private:
  struct Named {
    FunctionRecord* function = nullptr;
    contract::FunctionRef ref;
  };
  ApiAnswer run(const ApiCall& call);
  ApiAnswer runFunctions(const ApiCall& call);
  ApiAnswer runVersions(const ApiCall& call);
  ApiAnswer runLayers(const ApiCall& call);
  ApiAnswer runConcurrency(const ApiCall& call);
  ApiAnswer runExtras(const ApiCall& call);
  contract::ApiResult<Named> named(const ApiCall& call);
  /// The version that the call names; 404 in Lambda's words.
  contract::ApiResult<VersionRecord*> versionFor(const Named& named);
  contract::ApiResult<void> commit(FunctionRecord& function, FunctionRecord&& changed);

  // api_functions.cpp
  ApiAnswer createFunction(const ApiCall& call);
  ApiAnswer getFunction(const ApiCall& call);
  ApiAnswer getConfiguration(const ApiCall& call);
  ApiAnswer listFunctions(const ApiCall& call);
  ApiAnswer updateCode(const ApiCall& call);
  ApiAnswer updateConfiguration(const ApiCall& call);
  ApiAnswer deleteFunction(const ApiCall& call);
  ApiAnswer accountSettings(const ApiCall& call);
  json::object locationOf(const CodeRef& code) const;
  // api_versions.cpp
  ApiAnswer publishVersion(const ApiCall& call);
  contract::ApiResult<json::object> publish(FunctionRecord& function, const json::object& body);
  ApiAnswer listVersions(const ApiCall& call);
  ApiAnswer createAlias(const ApiCall& call);
  ApiAnswer updateAlias(const ApiCall& call);
  ApiAnswer getAlias(const ApiCall& call);
  ApiAnswer deleteAlias(const ApiCall& call);
  ApiAnswer listAliases(const ApiCall& call);
  contract::ApiResult<void> fillAlias(const FunctionRecord& function, const json::object& body, AliasRecord& alias);
  // api_layers.cpp
  ApiAnswer publishLayer(const ApiCall& call);
  ApiAnswer getLayer(const ApiCall& call, const std::string& name, int64_t version);
  ApiAnswer listLayers(const ApiCall& call);
  ApiAnswer listLayerVersions(const ApiCall& call);
  ApiAnswer deleteLayer(const ApiCall& call);
  // api_concurrency.cpp
  ApiAnswer putConcurrency(const ApiCall& call);
  ApiAnswer deleteConcurrency(const ApiCall& call);
  ApiAnswer putProvisioned(const ApiCall& call);
  ApiAnswer getProvisioned(const ApiCall& call);
  ApiAnswer listProvisioned(const ApiCall& call);
  ApiAnswer deleteProvisioned(const ApiCall& call);
  json::object provisionedBody(FunctionRecord& function, const std::string& qualifier);
  int64_t unreserved(const FunctionRecord* except) const;
  std::optional<contract::ApiError> noRoomFor(int64_t provisioned, const FunctionRecord& function) const;
  contract::ApiResult<Named> publishedTarget(const ApiCall& call, std::string_view of_latest);
  // api_mappings.cpp
  ApiAnswer mappings(const ApiCall& call);
  ApiAnswer listMappings(const ApiCall& call);
  ApiAnswer createMapping(const ApiCall& call);
  // api_permissions.cpp
  std::optional<contract::ApiError> missing(const FunctionRecord* function, const contract::FunctionRef& ref) const;
  ApiAnswer permissions(const ApiCall& call);
  ApiAnswer addPermission(const ApiCall& call, FunctionRecord& function, const std::string& qualifier);
  ApiAnswer removePermission(const ApiCall& call, FunctionRecord& function, const std::string& qualifier);
  ApiAnswer layerPermissions(const ApiCall& call);
  // api_extras.cpp
  ApiAnswer functionUrls(const ApiCall& call);
  ApiAnswer eventConfigs(const ApiCall& call);
  std::optional<contract::ApiError> checkDestinations(const json::object& body, const FunctionRecord& function) const;
  ApiAnswer tags(const ApiCall& call);
  ApiAnswer probes(const ApiCall& call);

  Registry& registry_;
  Worker worker_;
  std::string code_url_;
};

/// One page of a list: "Marker" and "MaxItems" of the query, "NextMarker" in the answer.
ApiReply page(const ApiCall& call, std::string_view key, json::array items, int64_t most = 50);
/// 404 for what a function could have, and has not.
inline contract::ApiFailure notThere() {
  return contract::ApiFailure(contract::notFound("The resource you requested does not exist."));
}
/// Of calls about a function itself that name a version or an alias of it.
inline contract::ApiFailure onlyFunctions() {
  return contract::ApiFailure(contract::invalidParameter(
      "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please "
      "specify either a function name or an unqualified function ARN."));
}
json::object objectAt(const json::object& from, std::string_view key);
std::optional<contract::ApiError> tooManyTags(const json::object& tags);
/// Name of a layer given as a name or an ARN.
std::string layerName(const std::string& given);

}  // namespace lectern::engine
