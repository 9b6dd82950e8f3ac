// Resource policies of functions and of layer versions: kept and shown; nobody is refused by them here.

#include <fmt/core.h>
#include <re2/re2.h>

#include "base/ids.h"
#include "engine/control/control.h"

namespace lectern::engine {

using contract::ApiError;
using contract::ApiFailure;
using contract::Operation;

namespace {

ApiError noPolicy() { return contract::notFound("No policy is associated with the given resource."); }

ApiError noStatement(std::string_view id) {
  return contract::notFound(fmt::format("Statement {} is not found in resource policy.", id));
}

ApiError stalePolicy(std::string_view read_with) {
  return {412, "PreconditionFailedException",
          fmt::format("The Revision Id provided does not match the latest Revision Id. Call the {} API to retrieve the "
                      "latest Revision Id",
                      read_with),
          "", true};
}

ApiError taken(std::string_view id) {
  return contract::conflict(
      fmt::format("The statement id ({}) provided already exists. Please provide a new statement id, or remove the "
                  "existing statement.",
                  id));
}

/// Text of the member, which must be there and match the form.
std::optional<ApiError> checkText(const json::object& body, std::string_view key, std::string_view field,
                                  std::string_view form) {
  auto* value = body.if_contains(key);
  if (!value || !value->is_string()) return contract::missingMember(field);
  std::string_view text = value->get_string();
  if (RE2::FullMatch(text, std::string(form))) return std::nullopt;
  return contract::validation(text, field, fmt::format("Member must satisfy regular expression pattern: {}", form));
}

/// As it stands in a statement; nothing when it is nobody.
std::optional<json::value> principalOf(const std::string& given) {
  static const RE2 account(R"(\d{12})"), service(R"([a-z0-9.-]+\.amazon(aws)?\.com(\.cn)?)");
  if (given == "*") return json::value("*");
  if (RE2::FullMatch(given, service)) return json::value(json::object{{"Service", given}});
  if (RE2::FullMatch(given, account)) return json::value(json::object{{"AWS", "arn:aws:iam::" + given + ":root"}});
  if (given.starts_with("arn:")) return json::value(json::object{{"AWS", given}});
  return std::nullopt;
}

json::object conditionOf(const json::object& body) {
  json::object condition, equals;
  if (auto* source = body.if_contains("SourceArn")) condition["ArnLike"] = json::object{{"AWS:SourceArn", *source}};
  for (auto [member, key] : {std::pair{"SourceAccount", "AWS:SourceAccount"},
                             std::pair{"EventSourceToken", "lambda:EventSourceToken"},
                             std::pair{"FunctionUrlAuthType", "lambda:FunctionUrlAuthType"},
                             std::pair{"PrincipalOrgID", "aws:PrincipalOrgID"}}) {
    if (auto* value = body.if_contains(member)) equals[key] = *value;
  }
  if (!equals.empty()) condition["StringEquals"] = std::move(equals);
  if (auto* url = body.if_contains("InvokedViaFunctionUrl"); url && url->is_bool()) {
    condition["Bool"] = json::object{{"lambda:InvokedViaFunctionUrl", url->as_bool() ? "true" : "false"}};
  }
  return condition;
}

json::array::iterator find(json::array& statements, std::string_view id) {
  auto place = statements.begin();
  while (place != statements.end() && stringOr(place->as_object(), "Sid", "") != id) ++place;
  return place;
}

json::object policyBody(const json::array& statements, const std::string& revision) {
  json::object policy = {{"Version", "2012-10-17"}, {"Id", "default"}, {"Statement", statements}};
  return {{"Policy", toJson(policy)}, {"RevisionId", revision}};
}

}  // namespace

/// What is wrong with the qualifier of a call about a version or an alias; `function` may be null.
std::optional<ApiError> Control::missing(const FunctionRecord* function, const contract::FunctionRef& ref) const {
  bool alias = contract::isAliasName(ref.qualifier);
  bool there = function && (ref.qualifier.empty() || ref.qualifier == "$LATEST" ||
                            (alias ? function->aliases.contains(ref.qualifier) : function->versions.contains(ref.qualifier)));
  if (there) return std::nullopt;
  std::string arn = registry_.arn(ref.name, ref.qualifier);
  return alias ? contract::notFound("Cannot find alias arn: " + arn) : contract::functionNotFound(arn);
}

ApiAnswer Control::permissions(const ApiCall& call) {
  bool add = call.operation == Operation::kAddPermission;
  auto ref =
      contract::parseFunctionRef(registry_.options().place, call.parameter("FunctionName"), call.queryOr("Qualifier"));
  if (!ref) return ApiFailure(ref.error());
  FunctionRecord* function = registry_.find(ref->name);
  std::string arn = registry_.arn(ref->name, ref->qualifier);
  if (call.operation == Operation::kGetPolicy) {
    if (!function) return notThere();
    auto found = function->policies.find(ref->qualifier);
    if (found == function->policies.end() || found->second.empty()) return notThere();
    return ApiReply{200, policyBody(found->second, function->policy_revisions[ref->qualifier])};
  }
  if (add) {
    for (auto [key, field, form] : {std::tuple{"StatementId", "statementId", "([a-zA-Z0-9-_]+)"},
                                    std::tuple{"Action", "action", R"((lambda:[*]|lambda:[a-zA-Z]+|[*]))"},
                                    std::tuple{"Principal", "principal", R"([^\s]+)"}}) {
      if (auto wrong = checkText(call.body, key, field, form)) return ApiFailure(*wrong);
    }
    if (ref->qualifier == "$LATEST") {
      return ApiFailure(contract::invalidParameter("We currently do not support adding policies for $LATEST."));
    }
  } else if (!function) {
    return ApiFailure(contract::notFound("No policy found for: " + arn));
  }
  if (auto wrong = missing(function, *ref)) return ApiFailure(*wrong);
  return add ? addPermission(call, *function, ref->qualifier) : removePermission(call, *function, ref->qualifier);
}

ApiAnswer Control::addPermission(const ApiCall& call, FunctionRecord& function, const std::string& qualifier) {
  FunctionRecord changed = function;
  json::array& statements = changed.policies[qualifier];
  std::string id = stringOr(call.body, "StatementId", ""), revision = stringOr(call.body, "RevisionId", "");
  if (!revision.empty() && revision != changed.policy_revisions[qualifier]) return ApiFailure(stalePolicy("GetPolicy"));
  auto principal = principalOf(stringOr(call.body, "Principal", ""));
  if (!principal) {
    return ApiFailure(
        contract::invalidParameter("The provided principal was invalid. Please check the principal and try again."));
  }
  if (find(statements, id) != statements.end()) return ApiFailure(taken(id));
  json::object statement = {{"Sid", id},
                            {"Effect", "Allow"},
                            {"Principal", *principal},
                            {"Action", stringOr(call.body, "Action", "")},
                            {"Resource", registry_.arn(function.name, qualifier)}};
  if (json::object condition = conditionOf(call.body); !condition.empty()) statement["Condition"] = std::move(condition);
  statements.push_back(statement);
  changed.policy_revisions[qualifier] = newUuid();
  if (auto done = commit(function, std::move(changed)); !done) return ApiFailure(done.error());
  return ApiReply{201, json::object{{"Statement", toJson(statement)}}};
}

ApiAnswer Control::removePermission(const ApiCall& call, FunctionRecord& function, const std::string& qualifier) {
  FunctionRecord changed = function;
  json::array& statements = changed.policies[qualifier];
  if (statements.empty()) return ApiFailure(noPolicy());
  std::string id = call.parameter("StatementId"), revision = call.queryOr("RevisionId");
  auto place = find(statements, id);
  if (place == statements.end()) {
    return ApiFailure(noStatement(id));
  }
  if (!revision.empty() && revision != changed.policy_revisions[qualifier]) return ApiFailure(stalePolicy("GetPolicy"));
  statements.erase(place);
  changed.policy_revisions[qualifier] = newUuid();
  if (auto done = commit(function, std::move(changed)); !done) return ApiFailure(done.error());
  return ApiReply{204, std::nullopt};
}

ApiAnswer Control::layerPermissions(const ApiCall& call) {
  std::string name = layerName(call.parameter("LayerName"));
  int64_t number = std::strtoll(call.parameter("VersionNumber").c_str(), nullptr, 10);
  bool add = call.operation == Operation::kAddLayerVersionPermission;
  if (add) {
    for (auto [key, field, form] : {std::tuple{"StatementId", "statementId", "([a-zA-Z0-9-_]+)"},
                                    std::tuple{"Action", "action", "lambda:GetLayerVersion"},
                                    std::tuple{"Principal", "principal", R"(\d{12}|\*|arn:(aws[a-zA-Z-]*):iam::\d{12}:root)"}}) {
      if (auto wrong = checkText(call.body, key, field, form)) return ApiFailure(*wrong);
    }
  }
  std::string arn = contract::layerArn(registry_.options().place, name, number);
  LayerVersionRecord* version = registry_.findLayer(arn);
  if (!version || version->deleted) {
    return ApiFailure(contract::notFound(fmt::format("Layer version {} does not exist.", arn)));
  }
  if (call.operation == Operation::kGetLayerVersionPolicy) {
    if (version->policy.empty()) return ApiFailure(noPolicy());
    return ApiReply{200, policyBody(version->policy, version->policy_revision)};
  }
  LayerRecord changed = registry_.layers().at(name);
  LayerVersionRecord& record = changed.versions.at(number);
  std::string id = add ? stringOr(call.body, "StatementId", "") : call.parameter("StatementId");
  auto place = find(record.policy, id);
  json::object statement;
  if (add) {
    if (place != record.policy.end()) return ApiFailure(taken(id));
    statement = {{"Sid", id}, {"Effect", "Allow"}, {"Principal", *principalOf(stringOr(call.body, "Principal", ""))},
                 {"Action", "lambda:GetLayerVersion"}, {"Resource", arn}};
  } else if (place == record.policy.end()) {
    return ApiFailure(record.policy.empty() ? noPolicy() : noStatement(id));
  }
  if (std::string revision = call.queryOr("RevisionId"); !revision.empty() && revision != record.policy_revision) {
    return ApiFailure(stalePolicy("GetLayerPolicy"));
  }
  add ? void(record.policy.push_back(statement)) : void(record.policy.erase(place));
  record.policy_revision = newUuid();
  json::object body = {{"Statement", toJson(statement)}, {"RevisionId", record.policy_revision}};
  if (auto done = registry_.save(changed); !done) return ApiFailure(done.error());
  registry_.layers()[name] = std::move(changed);
  return add ? ApiReply{201, std::move(body)} : ApiReply{204, std::nullopt};
}

}  // namespace lectern::engine
