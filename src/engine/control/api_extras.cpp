// Permissions, function URLs, event invoke configurations, tags, and what deployment tools probe.

#include <fmt/core.h>

#include "base/hash.h"
#include "base/ids.h"
#include "engine/control/control.h"

namespace lectern::engine {

using contract::ApiFailure;
using contract::Operation;

namespace {
ApiFailure notHere() { return ApiFailure(contract::ApiError{0, "NotHere", "", "", false}); }
}  // namespace

ApiAnswer Control::runExtras(const ApiCall& call) {
  switch (call.operation) {
    case Operation::kAddPermission:
    case Operation::kGetPolicy:
    case Operation::kRemovePermission:
      return permissions(call);
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

ApiAnswer Control::permissions(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  FunctionRecord& function = *target->function;
  const std::string& qualifier = target->ref.qualifier;
  FunctionRecord changed = function;
  json::array& statements = changed.policies[qualifier];
  auto save = [&]() {
    changed.policy_revisions[qualifier] = newUuid();
    return commit(function, std::move(changed));
  };
  if (call.operation == Operation::kGetPolicy) {
    if (statements.empty()) return notThere();
    json::object policy = {{"Version", "2012-10-17"}, {"Id", "default"}, {"Statement", statements}};
    return ApiReply{200,
                    json::object{{"Policy", toJson(policy)}, {"RevisionId", changed.policy_revisions[qualifier]}}};
  }
  std::string id = call.operation == Operation::kAddPermission ? stringOr(call.body, "StatementId", "")
                                                               : call.parameter("StatementId");
  auto place = statements.begin();
  while (place != statements.end() && stringOr(place->as_object(), "Sid", "") != id) ++place;
  if (call.operation == Operation::kRemovePermission) {
    if (place == statements.end()) {
      return ApiFailure(contract::notFound(fmt::format("Statement {} is not found in resource policy.", id)));
    }
    statements.erase(place);
    if (auto done = save(); !done) return ApiFailure(done.error());
    return ApiReply{204, std::nullopt};
  }
  if (place != statements.end()) {
    return ApiFailure(contract::conflict(
        fmt::format("The statement id ({}) provided already exists. Please provide a new statement id, or remove the "
                    "existing statement.",
                    id)));
  }
  std::string principal = stringOr(call.body, "Principal", "");
  json::value who =
      principal == "*" ? json::value("*")
      : principal.find(".amazonaws.com") != std::string::npos
          ? json::value(json::object{{"Service", principal}})
          : json::value(json::object{
                {"AWS", principal.starts_with("arn:") ? principal : "arn:aws:iam::" + principal + ":root"}});
  json::object statement = {{"Sid", id},
                            {"Effect", "Allow"},
                            {"Principal", who},
                            {"Action", stringOr(call.body, "Action", "")},
                            {"Resource", registry_.arn(function.name, qualifier)}};
  json::object condition;
  if (auto* source = call.body.if_contains("SourceArn"))
    condition["ArnLike"] = json::object{{"AWS:SourceArn", *source}};
  json::object equals;
  if (auto* account = call.body.if_contains("SourceAccount")) equals["AWS:SourceAccount"] = *account;
  if (auto* type = call.body.if_contains("FunctionUrlAuthType")) equals["lambda:FunctionUrlAuthType"] = *type;
  if (!equals.empty()) condition["StringEquals"] = std::move(equals);
  if (!condition.empty()) statement["Condition"] = std::move(condition);
  statements.push_back(statement);
  if (auto done = save(); !done) return ApiFailure(done.error());
  return ApiReply{201, json::object{{"Statement", toJson(statement)}}};
}

ApiAnswer Control::functionUrls(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  FunctionRecord& function = *target->function;
  const std::string& qualifier = target->ref.qualifier;
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
  if (qualifier == "$LATEST" || (contract::isVersionNumber(qualifier))) {
    return ApiFailure(contract::validation(
        qualifier, "qualifier", "Member must satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)"));
  }
  if (create && existing != function.urls.end()) {
    return ApiFailure(contract::conflict(fmt::format(
        "Failed to create function url config for [functionArn = {}]. Error message:  FunctionUrlConfig exists "
        "for this Lambda function",
        registry_.arn(function.name, qualifier))));
  }
  if (!qualifier.empty() && !function.aliases.contains(qualifier)) {
    return ApiFailure(contract::notFound("Function does not exist"));
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

ApiAnswer Control::eventConfigs(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  FunctionRecord& function = *target->function;
  if (call.operation == Operation::kListFunctionEventInvokeConfigs) {
    json::array items;
    for (auto& [key, config] : function.event_configs) items.push_back(config);
    return page(call, "FunctionEventInvokeConfigs", std::move(items));
  }
  std::string qualifier = target->ref.qualifier.empty() ? "$LATEST" : target->ref.qualifier;
  auto version = versionFor(*target);
  if (!version) return ApiFailure(contract::notFound("The function doesn't exist."));
  auto existing = function.event_configs.find(qualifier);
  bool put = call.operation == Operation::kPutFunctionEventInvokeConfig;
  if (!put && existing == function.event_configs.end()) {
    return ApiFailure(contract::notFound(
        fmt::format("The function {} doesn't have an EventInvokeConfig", registry_.arn(function.name, qualifier))));
  }
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
  for (std::string_view key : {"MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig"}) {
    if (auto* value = call.body.if_contains(key)) config[key] = *value;
  }
  if (!config.contains("DestinationConfig")) {
    config["DestinationConfig"] = json::object{{"OnSuccess", json::object{}}, {"OnFailure", json::object{}}};
  }
  config["FunctionArn"] = registry_.arn(function.name, qualifier);
  config["LastModified"] = double(registry_.clock().wall().epoch_millis) / 1000.0;
  changed.event_configs[qualifier] = config;
  if (auto done = commit(function, std::move(changed)); !done) return ApiFailure(done.error());
  return ApiReply{200, std::move(config)};
}

ApiAnswer Control::tags(const ApiCall& call) {
  auto ref = contract::parseFunctionRef(registry_.options().place, call.parameter("Resource"), "");
  if (!ref) return ApiFailure(ref.error());
  auto* function = registry_.find(ref->name);
  if (!function) return ApiFailure(contract::functionNotFound(registry_.arn(ref->name)));
  if (call.operation == Operation::kListTags) return ApiReply{200, json::object{{"Tags", function->tags}}};
  FunctionRecord changed = *function;
  if (call.operation == Operation::kTagResource) {
    for (auto& [key, value] : objectAt(call.body, "Tags")) changed.tags[key] = value;
    if (changed.tags.size() > 50) {
      return ApiFailure(contract::invalidParameter("Number of tags exceeds resource tag limit."));
    }
  } else {
    for (auto& key : call.tag_keys) changed.tags.erase(key);
  }
  if (auto done = commit(*function, std::move(changed)); !done) return ApiFailure(done.error());
  return ApiReply{204, std::nullopt};
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
