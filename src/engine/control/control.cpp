#include "engine/control/control.h"

#include <algorithm>

#include "base/ids.h"
#include "engine/control/request_types.h"
#include "net/url.h"

namespace lectern::engine {

using contract::ApiFailure;
using contract::ApiResult;
using contract::Operation;

namespace {
constexpr size_t kLargeBody = 256 * 1024;

ApiFailure noSuchLayerVersion() {
  return ApiFailure(contract::invalidParameter("Layer Version Cannot be less than 1"));
}
}

std::string ApiCall::parameter(std::string_view name) const {
  auto it = parameters.find(name);
  return it == parameters.end() ? "" : it->second;
}

std::string ApiCall::queryOr(std::string_view name, std::string_view otherwise) const {
  auto it = query.find(name);
  return it == query.end() ? std::string(otherwise) : it->second;
}

json::object objectAt(const json::object& from, std::string_view key) {
  auto* value = from.if_contains(key);
  return value && value->is_object() ? value->as_object() : json::object{};
}

ApiReply page(const ApiCall& call, std::string_view key, json::array items, int64_t most) {
  int64_t start = 0, limit = most;
  start = std::max<int64_t>(0, std::strtoll(call.queryOr("Marker", "0").c_str(), nullptr, 10));
  int64_t wanted = std::strtoll(call.queryOr("MaxItems", "0").c_str(), nullptr, 10);
  if (wanted > 0) limit = std::min(wanted, most);
  json::object out;
  json::array part;
  for (int64_t i = start; i < int64_t(items.size()) && i < start + limit; ++i)
    part.push_back(std::move(items[size_t(i)]));
  out[key] = std::move(part);
  if (start + limit < int64_t(items.size())) out["NextMarker"] = std::to_string(start + limit);
  return {200, std::move(out)};
}

void Control::handle(const contract::OperationMatch& match, std::string_view query, std::string body, Done done) {
  auto call = std::make_shared<ApiCall>();
  call->operation = match.info->operation;
  call->ok_status = match.info->ok_status;
  for (auto& [name, value] : match.parameters) call->parameters.emplace(name, value);
  for (auto& [name, value] : net::parseQuery(query)) {
    if (name == "tagKeys") call->tag_keys.push_back(value);
    call->query.emplace(std::move(name), std::move(value));
  }
  bool layer = call->operation == Operation::kPublishLayerVersion;
  bool create = call->operation == Operation::kCreateFunction;
  bool update = call->operation == Operation::kUpdateFunctionCode;
  auto parsed_badly = std::make_shared<bool>(false);
  auto prepare = [this, call, parsed_badly, layer, create, update, body = std::move(body)] {
    if (!body.empty()) {
      auto value = parseJson(body);
      if (!value || !value->is_object() || !wellTyped(value->as_object())) {
        *parsed_badly = true;
        return;
      }
      call->body = std::move(value->as_object());
    }
    if (layer) call->code = registry_.codes().fromRequest(objectAt(call->body, "Content"));
    if (create) call->code = registry_.codes().fromRequest(objectAt(call->body, "Code"));
    if (update) call->code = registry_.codes().fromRequest(call->body);
  };
  auto finish = [this, call, parsed_badly, done = std::move(done)] {
    if (*parsed_badly) {
      return done(ApiFailure(
          contract::ApiError{400, "SerializationException", "The request is no JSON object of the right types", "", false}));
    }
    done(run(*call));
  };
  if (layer || create || update || body.size() > kLargeBody) return worker_.run(prepare, finish);
  prepare();
  finish();
}

ApiAnswer Control::run(const ApiCall& call) {
  for (auto part : {&Control::runFunctions, &Control::runVersions, &Control::runLayers, &Control::runConcurrency,
                    &Control::runExtras}) {
    auto answer = (this->*part)(call);
    if (answer || answer.error().name != "NotHere") return answer;
  }
  return ApiFailure(
      contract::ApiError{501, "NotImplementedException", "This operation is not supported by Lectern.", "", false});
}

ApiResult<Control::Named> Control::named(const ApiCall& call) {
  auto ref =
      contract::parseFunctionRef(registry_.options().place, call.parameter("FunctionName"), call.queryOr("Qualifier"));
  if (!ref) return ApiFailure(ref.error());
  Named out{registry_.find(ref->name), *ref};
  if (!out.function) return ApiFailure(contract::functionNotFound(registry_.arn(ref->name, ref->qualifier)));
  return out;
}

ApiResult<VersionRecord*> Control::versionFor(const Named& named) {
  auto* version = registry_.versionOf(*named.function, named.ref.qualifier);
  if (!version) return ApiFailure(contract::functionNotFound(registry_.arn(named.ref.name, named.ref.qualifier)));
  return version;
}

ApiResult<void> Control::commit(FunctionRecord& function, FunctionRecord&& changed) {
  if (auto done = registry_.save(changed); !done) return done;
  function = std::move(changed);
  return {};
}

ApiAnswer Control::runFunctions(const ApiCall& call) {
  switch (call.operation) {
    case Operation::kCreateFunction:
      return createFunction(call);
    case Operation::kGetFunction:
      return getFunction(call);
    case Operation::kGetFunctionConfiguration:
      return getConfiguration(call);
    case Operation::kListFunctions:
      return listFunctions(call);
    case Operation::kUpdateFunctionCode:
      return updateCode(call);
    case Operation::kUpdateFunctionConfiguration:
      return updateConfiguration(call);
    case Operation::kDeleteFunction:
      return deleteFunction(call);
    case Operation::kGetAccountSettings:
      return accountSettings(call);
    default:
      return ApiFailure(contract::ApiError{0, "NotHere", "", "", false});
  }
}

ApiAnswer Control::runVersions(const ApiCall& call) {
  switch (call.operation) {
    case Operation::kPublishVersion:
      return publishVersion(call);
    case Operation::kListVersionsByFunction:
      return listVersions(call);
    case Operation::kCreateAlias:
      return createAlias(call);
    case Operation::kUpdateAlias:
      return updateAlias(call);
    case Operation::kGetAlias:
      return getAlias(call);
    case Operation::kDeleteAlias:
      return deleteAlias(call);
    case Operation::kListAliases:
      return listAliases(call);
    default:
      return ApiFailure(contract::ApiError{0, "NotHere", "", "", false});
  }
}

ApiAnswer Control::runLayers(const ApiCall& call) {
  switch (call.operation) {
    case Operation::kPublishLayerVersion:
      return publishLayer(call);
    case Operation::kGetLayerVersion:
      if (std::strtoll(call.parameter("VersionNumber").c_str(), nullptr, 10) < 1) return noSuchLayerVersion();
      return getLayer(call, call.parameter("LayerName"),
                      std::strtoll(call.parameter("VersionNumber").c_str(), nullptr, 10));
    case Operation::kGetLayerVersionByArn: {
      auto ref = contract::parseLayerVersionArn(call.queryOr("Arn"));
      if (!ref) {
        return ApiFailure(contract::validation(call.queryOr("Arn"), "arn",
                                               "Member must satisfy regular expression pattern: "
                                               "(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-"
                                               "[a-z]+-\\d{1}:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|"
                                               "(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)"));
      }
      return getLayer(call, ref->name, ref->version);
    }
    case Operation::kListLayers:
      return listLayers(call);
    case Operation::kListLayerVersions:
      return listLayerVersions(call);
    case Operation::kDeleteLayerVersion:
      if (std::strtoll(call.parameter("VersionNumber").c_str(), nullptr, 10) < 1) return noSuchLayerVersion();
      return deleteLayer(call);
    default:
      return ApiFailure(contract::ApiError{0, "NotHere", "", "", false});
  }
}

}  // namespace lectern::engine
