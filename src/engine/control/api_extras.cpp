// Function URLs, event invoke configurations, tags, and what deployment tools probe.

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <re2/re2.h>

#include <algorithm>

#include "base/hash.h"
#include "base/ids.h"
#include "engine/control/control.h"

namespace lectern::engine {

using contract::ApiError;
using contract::ApiFailure;
using contract::Operation;

namespace {
/// The member, when it is there, is one of the values.
std::optional<ApiError> oneOf(const json::object& body, std::string_view key, std::string_view field,
                              std::initializer_list<std::string_view> values) {
  auto* value = body.if_contains(key);
  if (!value || !value->is_string()) return std::nullopt;
  std::string_view given = value->get_string();
  if (std::find(values.begin(), values.end(), given) != values.end()) return std::nullopt;
  return contract::validation(given, field, fmt::format("Member must satisfy enum value set: [{}]", fmt::join(values, ", ")));
}

std::optional<ApiError> checkUrl(const ApiCall& call) {
  if (auto wrong = oneOf(call.body, "InvokeMode", "invokeMode", {"RESPONSE_STREAM", "BUFFERED"})) return wrong;
  if (auto wrong = oneOf(call.body, "AuthType", "authType", {"NONE", "AWS_IAM"})) return wrong;
  bool create = call.operation == Operation::kCreateFunctionUrlConfig;
  if (create && !call.body.contains("AuthType")) return contract::missingMember("authType");
  return std::nullopt;
}

/// ListTags, TagResource or UntagResource of something that has `tags` now.
ApiAnswer changeTags(const ApiCall& call, json::object tags,
                     const std::function<contract::ApiResult<void>(json::object)>& save) {
  if (call.operation == Operation::kListTags) return ApiReply{200, json::object{{"Tags", std::move(tags)}}};
  if (call.operation == Operation::kTagResource) {
    json::object more = objectAt(call.body, "Tags");
    if (more.empty()) {
      return ApiFailure(contract::invalidParameter("An error occurred and the request cannot be processed."));
    }
    for (auto& [key, value] : more) tags[key] = value;
    if (auto wrong = tooManyTags(tags)) return ApiFailure(*wrong);
  } else {
    if (call.tag_keys.empty()) return ApiFailure(contract::missingMember("tagKeys"));
    for (auto& key : call.tag_keys) tags.erase(key);
  }
  if (auto done = save(std::move(tags)); !done) return ApiFailure(done.error());
  return ApiReply{204, std::nullopt};
}

ApiFailure notHere() { return ApiFailure(contract::ApiError{0, "NotHere", "", "", false}); }
}  // namespace

std::optional<ApiError> tooManyTags(const json::object& tags) {
  constexpr size_t kMostTags = 50;
  if (tags.size() <= kMostTags) return std::nullopt;
  return contract::invalidParameter("Number of tags exceeds resource tag limit.");
}

ApiAnswer Control::runExtras(const ApiCall& call) {
  switch (call.operation) {
    case Operation::kAddPermission:
    case Operation::kGetPolicy:
    case Operation::kRemovePermission:
      return permissions(call);
    case Operation::kAddLayerVersionPermission:
    case Operation::kGetLayerVersionPolicy:
    case Operation::kRemoveLayerVersionPermission:
      return layerPermissions(call);
    case Operation::kCreateFunctionUrlConfig:
    case Operation::kGetFunctionUrlConfig:
    case Operation::kUpdateFunctionUrlConfig:
    case Operation::kDeleteFunctionUrlConfig:
    case Operation::kListFunctionUrlConfigs:
      return functionUrls(call);
    case Operation::kPutFunctionEventInvokeConfig:
    case Operation::kUpdateFunctionEventInvokeConfig:
    case Operation::kGetFunctionEventInvokeConfig:
    case Operation::kDeleteFunctionEventInvokeConfig:
    case Operation::kListFunctionEventInvokeConfigs:
      return eventConfigs(call);
    case Operation::kCreateEventSourceMapping:
    case Operation::kGetEventSourceMapping:
    case Operation::kUpdateEventSourceMapping:
    case Operation::kDeleteEventSourceMapping:
    case Operation::kListEventSourceMappings:
      return mappings(call);
    case Operation::kTagResource:
    case Operation::kUntagResource:
    case Operation::kListTags:
      return tags(call);
    default:
      return probes(call);
  }
}

ApiAnswer Control::functionUrls(const ApiCall& call) {
  auto ref =
      contract::parseFunctionRef(registry_.options().place, call.parameter("FunctionName"), call.queryOr("Qualifier"));
  if (!ref) return ApiFailure(ref.error());
  const std::string& qualifier = ref->qualifier;
  if (qualifier == "$LATEST" || contract::isVersionNumber(qualifier)) {
    return ApiFailure(contract::validation(
        qualifier, "qualifier", "Member must satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)"));
  }
  if (auto wrong = checkUrl(call)) return ApiFailure(*wrong);
  FunctionRecord* found = registry_.find(ref->name);
  if (!found || (!qualifier.empty() && !found->aliases.contains(qualifier))) {
    bool only_asks =
        call.operation == Operation::kGetFunctionUrlConfig || call.operation == Operation::kDeleteFunctionUrlConfig;
    return only_asks ? notThere() : ApiFailure(contract::notFound("Function does not exist"));
  }
  FunctionRecord& function = *found;
  if (call.operation == Operation::kListFunctionUrlConfigs) {
    json::array items;
    for (auto& [key, url] : function.urls) items.push_back(url);
    return page(call, "FunctionUrlConfigs", std::move(items));
  }
  auto existing = function.urls.find(qualifier);
  bool create = call.operation == Operation::kCreateFunctionUrlConfig;
  if (!create && existing == function.urls.end()) return notThere();
  if (call.operation == Operation::kGetFunctionUrlConfig) return ApiReply{200, existing->second};
  FunctionRecord changed = function;
  if (call.operation == Operation::kDeleteFunctionUrlConfig) {
    changed.urls.erase(qualifier);
    if (auto done = commit(function, std::move(changed)); !done) return ApiFailure(done.error());
    return ApiReply{204, std::nullopt};
  }
  if (create && existing != function.urls.end()) {
    return ApiFailure(contract::conflict(fmt::format(
        "Failed to create function url config for [functionArn = {}]. Error message:  FunctionUrlConfig exists "
        "for this Lambda function",
        registry_.arn(function.name, qualifier))));
  }
  json::object url = create ? json::object{} : existing->second;
  if (create) {
    std::string id = sha256Hex(function.name + ":" + qualifier + newUuid()).substr(0, 32);
    url["FunctionUrl"] = fmt::format("https://{}.lambda-url.{}.on.aws/", id, registry_.options().place.region);
    url["FunctionArn"] = registry_.arn(function.name, qualifier);
    url["CreationTime"] = registry_.now();
    url["InvokeMode"] = "BUFFERED";
  }
  for (std::string_view key : {"AuthType", "Cors", "InvokeMode"}) {
    if (auto* value = call.body.if_contains(key); value && !value->is_null()) url[key] = *value;
  }
  url["LastModifiedTime"] = registry_.now();
  changed.urls[qualifier] = url;
  if (auto done = commit(function, std::move(changed)); !done) return ApiFailure(done.error());
  if (create) url.erase("LastModifiedTime");
  return ApiReply{create ? 201 : 200, std::move(url)};
}

/// A destination that nothing can be sent to: where it is wrong, in Lambda's words. Beside ARNs: file:///NAME and
/// http(s)://, which are Lectern's own.
std::optional<ApiError> Control::checkDestinations(const json::object& body, const FunctionRecord& function) const {
  static const RE2 form(
      R"($|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:)"
      R"(((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*))");
  static const RE2 own(R"((file|https?)://.+)"), service(R"(arn:[^:]+:(lambda|sqs|sns|events|s3):.*)");
  json::object config = objectAt(body, "DestinationConfig");
  for (auto [key, field] : {std::pair{"OnSuccess", "onSuccess"}, std::pair{"OnFailure", "onFailure"}}) {
    std::string arn = stringOr(objectAt(config, key), "Destination", "");
    if (arn.empty() || RE2::FullMatch(arn, own)) continue;
    if (!RE2::FullMatch(arn, form)) {
      return contract::validation(arn, fmt::format("destinationConfig.{}.destination", field),
                                  "Member must satisfy regular expression pattern: " + form.pattern());
    }
    if (!RE2::FullMatch(arn, service)) {
      auto part = [&](std::string_view member, std::string_view name) {
        std::string target = stringOr(objectAt(config, member), "Destination", "");
        return target.empty() ? std::string("null") : fmt::format("{}(destination={})", name, target);
      };
      return contract::invalidParameter(
          fmt::format("The provided destination config DestinationConfig(onSuccess={}, onFailure={}) is invalid.",
                      part("OnSuccess", "OnSuccess"), part("OnFailure", "OnFailure")));
    }
    auto ref = contract::parseFunctionRef(registry_.options().place, arn, "");
    if (arn.find(":lambda:") == std::string::npos) continue;
    if (!ref || !registry_.find(ref->name)) {
      return contract::invalidParameter(fmt::format("The destination ARN {} is invalid.", arn));
    }
    if (ref->name == function.name) {
      return contract::invalidParameter("You can't specify the function as a destination for itself.");
    }
  }
  return std::nullopt;
}

ApiAnswer Control::eventConfigs(const ApiCall& call) {
  auto ref =
      contract::parseFunctionRef(registry_.options().place, call.parameter("FunctionName"), call.queryOr("Qualifier"));
  if (!ref) return ApiFailure(ref.error());
  std::string qualifier = ref->qualifier.empty() ? "$LATEST" : ref->qualifier;
  FunctionRecord* found = registry_.find(ref->name);
  auto none = [&] {
    return ApiFailure(contract::notFound(
        fmt::format("The function {} doesn't have an EventInvokeConfig", registry_.arn(ref->name, qualifier))));
  };
  bool only_asks = call.operation == Operation::kGetFunctionEventInvokeConfig ||
                   call.operation == Operation::kDeleteFunctionEventInvokeConfig;
  if (!found || !registry_.versionOf(*found, qualifier)) {
    return only_asks ? none() : ApiFailure(contract::notFound("The function doesn't exist."));
  }
  FunctionRecord& function = *found;
  if (call.operation == Operation::kListFunctionEventInvokeConfigs) {
    json::array items;
    for (auto& [key, config] : function.event_configs) items.push_back(config);
    return page(call, "FunctionEventInvokeConfigs", std::move(items));
  }
  auto existing = function.event_configs.find(qualifier);
  bool put = call.operation == Operation::kPutFunctionEventInvokeConfig;
  if (!put && existing == function.event_configs.end()) return none();
  if (call.operation == Operation::kGetFunctionEventInvokeConfig) return ApiReply{200, existing->second};
  FunctionRecord changed = function;
  if (call.operation == Operation::kDeleteFunctionEventInvokeConfig) {
    changed.event_configs.erase(qualifier);
    if (auto done = commit(function, std::move(changed)); !done) return ApiFailure(done.error());
    return ApiReply{204, std::nullopt};
  }
  json::object config = put ? json::object{} : existing->second;
  int64_t retries = intOr(call.body, "MaximumRetryAttempts", 0),
          age = intOr(call.body, "MaximumEventAgeInSeconds", 60);
  if (retries < 0 || retries > 2) {
    return ApiFailure(contract::validation(std::to_string(retries), "maximumRetryAttempts",
                                           "Member must have value less than or equal to 2"));
  }
  if (age < 60 || age > 21600) {
    return ApiFailure(contract::validation(std::to_string(age), "maximumEventAgeInSeconds",
                                           age < 60 ? "Member must have value greater than or equal to 60"
                                                    : "Member must have value less than or equal to 21600"));
  }
  if (put && !call.body.contains("MaximumRetryAttempts") && !call.body.contains("MaximumEventAgeInSeconds") &&
      !call.body.contains("DestinationConfig")) {
    return ApiFailure(
        contract::invalidParameter("You must specify at least one of error handling or destination setting."));
  }
  if (auto wrong = checkDestinations(call.body, function)) return ApiFailure(*wrong);
  for (std::string_view key : {"MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig"}) {
    if (auto* value = call.body.if_contains(key)) config[key] = *value;
  }
  json::object destinations = objectAt(config, "DestinationConfig");
  config["DestinationConfig"] = json::object{{"OnSuccess", objectAt(destinations, "OnSuccess")},
                                             {"OnFailure", objectAt(destinations, "OnFailure")}};
  config["FunctionArn"] = registry_.arn(function.name, qualifier);
  config["LastModified"] = double(registry_.clock().wall().epoch_millis) / 1000.0;
  changed.event_configs[qualifier] = config;
  if (auto done = commit(function, std::move(changed)); !done) return ApiFailure(done.error());
  return ApiReply{200, std::move(config)};
}

ApiAnswer Control::tags(const ApiCall& call) {
  static const RE2 form(
      R"(arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:)"
      R"((function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|)"
      R"(code-signing-config:csc-[a-z0-9]{17}|)"
      R"(event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|)"
      R"(capacity-provider:[a-zA-Z0-9-_]+))");
  std::string arn = call.parameter("Resource");
  if (!RE2::FullMatch(arn, form)) {
    return ApiFailure(contract::validation(arn, "resource", "Member must satisfy regular expression pattern: " + form.pattern()));
  }
  constexpr std::string_view kMapping = ":event-source-mapping:";
  if (size_t at = arn.find(kMapping); at != std::string::npos) {
    auto mapping = registry_.mappings().find(arn.substr(at + kMapping.size()));
    if (mapping == registry_.mappings().end()) {
      return ApiFailure(contract::notFound("Event source mapping not found: " + arn));
    }
    json::object now = objectAt(mapping->second, "Tags"), before = mapping->second;
    return changeTags(call, std::move(now), [&](json::object changed) {
      mapping->second["Tags"] = std::move(changed);
      auto done = registry_.saveMapping(mapping->first);
      if (!done) mapping->second = std::move(before);
      return done;
    });
  }
  auto ref = contract::parseFunctionRef(registry_.options().place, arn, "");
  if (!ref) return ApiFailure(ref.error());
  if (!ref->qualifier.empty()) {
    return ApiFailure(contract::invalidParameter(
        "Tags on function aliases and versions are not supported. Please specify a function ARN."));
  }
  auto* function = registry_.find(ref->name);
  if (!function) return ApiFailure(contract::functionNotFound(registry_.arn(ref->name)));
  return changeTags(call, function->tags, [&](json::object now) {
    FunctionRecord changed = *function;
    changed.tags = std::move(now);
    return commit(*function, std::move(changed));
  });
}

/// Settings without effect here that Terraform, CDK and osls read after each deployment.
ApiAnswer Control::probes(const ApiCall& call) {
  switch (call.operation) {
    case Operation::kGetFunctionCodeSigningConfig:
    case Operation::kGetFunctionRecursionConfig:
    case Operation::kPutFunctionRecursionConfig:
    case Operation::kGetRuntimeManagementConfig:
    case Operation::kPutRuntimeManagementConfig:
      break;
    default:
      return notHere();
  }
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  FunctionRecord& function = *target->function;
  if (call.operation == Operation::kGetFunctionCodeSigningConfig) {
    return ApiReply{200, json::object{{"CodeSigningConfigArn", ""}, {"FunctionName", function.name}}};
  }
  bool recursion = call.operation == Operation::kGetFunctionRecursionConfig ||
                   call.operation == Operation::kPutFunctionRecursionConfig;
  bool put = call.operation == Operation::kPutFunctionRecursionConfig ||
             call.operation == Operation::kPutRuntimeManagementConfig;
  auto wrong = recursion ? oneOf(call.body, "RecursiveLoop", "recursiveLoop", {"Terminate", "Allow"})
                         : oneOf(call.body, "UpdateRuntimeOn", "updateRuntimeOn", {"Auto", "Manual", "FunctionUpdate"});
  if (put && wrong) return ApiFailure(*wrong);
  if (put) {
    FunctionRecord changed = function;
    (recursion ? changed.recursion : changed.runtime_management) = call.body;
    if (auto done = commit(function, std::move(changed)); !done) return ApiFailure(done.error());
  }
  if (recursion) {
    return ApiReply{200, json::object{{"RecursiveLoop", stringOr(function.recursion, "RecursiveLoop", "Terminate")}}};
  }
  json::object body = {{"UpdateRuntimeOn", stringOr(function.runtime_management, "UpdateRuntimeOn", "Auto")},
                       {"FunctionArn", registry_.arn(function.name)}};
  if (auto* arn = function.runtime_management.if_contains("RuntimeVersionArn")) body["RuntimeVersionArn"] = *arn;
  return ApiReply{200, std::move(body)};
}

}  // namespace lectern::engine
