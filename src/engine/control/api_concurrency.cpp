#include <fmt/core.h>

#include <algorithm>

#include "engine/control/control.h"

namespace lectern::engine {

using contract::ApiFailure;
using contract::Operation;

namespace {
constexpr std::string_view kNotPublished = "The function resource provided must be an alias or a published version.";
}  // namespace

/// Concurrency of the account that no function has reserved.
int64_t Control::unreserved(const FunctionRecord* except) const {
  int64_t left = registry_.options().limits.account_concurrency;
  for (auto& [name, function] : registry_.functions()) {
    if (&function != except && function.reserved) left -= *function.reserved;
  }
  return left;
}

ApiAnswer Control::runConcurrency(const ApiCall& call) {
  switch (call.operation) {
    case Operation::kPutFunctionConcurrency:
      return putConcurrency(call);
    case Operation::kGetFunctionConcurrency: {
      auto target = named(call);
      if (!target) return ApiFailure(target.error());
      json::object body;
      if (target->function->reserved) body["ReservedConcurrentExecutions"] = *target->function->reserved;
      return ApiReply{200, std::move(body)};
    }
    case Operation::kDeleteFunctionConcurrency:
      return deleteConcurrency(call);
    case Operation::kPutProvisionedConcurrencyConfig:
      return putProvisioned(call);
    case Operation::kGetProvisionedConcurrencyConfig:
      return getProvisioned(call);
    case Operation::kListProvisionedConcurrencyConfigs:
      return listProvisioned(call);
    case Operation::kDeleteProvisionedConcurrencyConfig:
      return deleteProvisioned(call);
    default:
      return ApiFailure(contract::ApiError{0, "NotHere", "", "", false});
  }
}

ApiAnswer Control::putConcurrency(const ApiCall& call) {
  auto ref = contract::parseFunctionRef(registry_.options().place, call.parameter("FunctionName"), "");
  if (!ref) return ApiFailure(ref.error());
  if (!ref->qualifier.empty()) return onlyFunctions();
  FunctionRecord* found = registry_.find(ref->name);
  if (!found) return ApiFailure(contract::functionNotFound(registry_.arn(ref->name, "$LATEST")));
  FunctionRecord& function = *found;
  int64_t wanted = intOr(call.body, "ReservedConcurrentExecutions", -1);
  if (wanted < 0) {
    return ApiFailure(contract::validation(std::to_string(wanted), "reservedConcurrentExecutions",
                                           "Member must have value greater than or equal to 0"));
  }
  int minimum = registry_.options().limits.min_unreserved;
  if (unreserved(&function) - wanted < minimum) {
    return ApiFailure(contract::invalidParameter(
        fmt::format("Specified ReservedConcurrentExecutions for function decreases account's "
                    "UnreservedConcurrentExecution below its minimum value of [{}].",
                    minimum)));
  }
  int64_t provisioned = 0;
  for (auto& [qualifier, record] : function.provisioned) provisioned += record.count;
  if (wanted < provisioned) {
    return ApiFailure(contract::invalidParameter(
        fmt::format(" ReservedConcurrentExecutions  {} should not be lower than function's total provisioned concurrency "
                    "[{}].",
                    wanted, provisioned)));
  }
  FunctionRecord changed = function;
  changed.reserved = int(wanted);
  if (auto done = commit(function, std::move(changed)); !done) return ApiFailure(done.error());
  registry_.setReserved(function);
  return ApiReply{200, json::object{{"ReservedConcurrentExecutions", wanted}}};
}

ApiAnswer Control::deleteConcurrency(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  FunctionRecord changed = *target->function;
  changed.reserved.reset();
  if (auto done = commit(*target->function, std::move(changed)); !done) return ApiFailure(done.error());
  registry_.setReserved(*target->function);
  return ApiReply{204, std::nullopt};
}

json::object Control::provisionedBody(FunctionRecord& function, const std::string& qualifier) {
  const ProvisionedRecord& record = function.provisioned.at(qualifier);
  auto* version = registry_.versionOf(function, qualifier);
  int ready = version ? std::min(record.count, registry_.readyInstances(*version)) : 0;
  return {{"RequestedProvisionedConcurrentExecutions", record.count},
          {"AvailableProvisionedConcurrentExecutions", ready},
          {"AllocatedProvisionedConcurrentExecutions", ready},
          {"Status", ready >= record.count ? "READY" : "IN_PROGRESS"},
          {"LastModified", record.last_modified}};
}

std::optional<contract::ApiError> Control::noRoomFor(int64_t provisioned, const FunctionRecord& function) const {
  if (function.reserved) {
    if (provisioned <= *function.reserved) return std::nullopt;
    return contract::invalidParameter(
        "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function");
  }
  int64_t free = unreserved(nullptr), minimum = registry_.options().limits.min_unreserved;
  if (provisioned > free) {
    return contract::invalidParameter(fmt::format(
        "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [{}].", free));
  }
  if (free - provisioned >= minimum) return std::nullopt;
  return contract::invalidParameter(
      fmt::format("Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
                  "its minimum value of [{}].",
                  minimum));
}

/// The alias or the published version that a call names; `of_latest` is what those are told who name neither.
contract::ApiResult<Control::Named> Control::publishedTarget(const ApiCall& call, std::string_view of_latest) {
  auto ref =
      contract::parseFunctionRef(registry_.options().place, call.parameter("FunctionName"), call.queryOr("Qualifier"));
  if (!ref) return ApiFailure(ref.error());
  Named out{registry_.find(ref->name), *ref};
  if (auto wrong = missing(out.function, *ref)) return ApiFailure(*wrong);
  auto* version = registry_.versionOf(*out.function, ref->qualifier);
  if (ref->qualifier.empty() || !version || stringOr(version->config, "Version", "") == "$LATEST") {
    return ApiFailure(contract::invalidParameter(std::string(of_latest)));
  }
  return out;
}

ApiAnswer Control::putProvisioned(const ApiCall& call) {
  int64_t wanted = intOr(call.body, "ProvisionedConcurrentExecutions", 0);
  if (wanted < 1) {
    return ApiFailure(contract::validation(std::to_string(wanted), "provisionedConcurrentExecutions",
                                           "Member must have value greater than or equal to 1"));
  }
  auto target =
      publishedTarget(call, "Provisioned Concurrency Configs cannot be applied to unpublished function versions.");
  if (!target) return ApiFailure(target.error());
  FunctionRecord& function = *target->function;
  const std::string& qualifier = target->ref.qualifier;
  auto version = versionFor(*target);
  if (!version) return ApiFailure(version.error());
  std::string number = stringOr((*version)->config, "Version", "");
  for (auto& [other, record] : function.provisioned) {
    auto alias = function.aliases.find(other);
    std::string points_to = alias == function.aliases.end() ? other : alias->second.version;
    if (other != qualifier && points_to == number) {
      return ApiFailure(contract::conflict(
          alias != function.aliases.end()
              ? "Version is pointed by a Provisioned Concurrency alias"
              : "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"));
    }
  }
  if (auto wrong = noRoomFor(wanted, function)) return ApiFailure(*wrong);
  FunctionRecord changed = function;
  changed.provisioned[qualifier] = {int(wanted), registry_.now()};
  if (auto done = commit(function, std::move(changed)); !done) return ApiFailure(done.error());
  registry_.applyProvisioned(function);
  json::object body = provisionedBody(function, qualifier);
  return ApiReply{202, std::move(body)};
}

ApiAnswer Control::getProvisioned(const ApiCall& call) {
  auto target = publishedTarget(call, kNotPublished);
  if (!target) return ApiFailure(target.error());
  if (!target->function->provisioned.contains(target->ref.qualifier)) {
    return ApiFailure(contract::ApiError{404, "ProvisionedConcurrencyConfigNotFoundException",
                                         "No Provisioned Concurrency Config found for this function", "", true});
  }
  return ApiReply{200, provisionedBody(*target->function, target->ref.qualifier)};
}

ApiAnswer Control::listProvisioned(const ApiCall& call) {
  auto target = named(call);
  if (!target) return ApiFailure(target.error());
  json::array items;
  for (auto& [qualifier, record] : target->function->provisioned) {
    json::object item = provisionedBody(*target->function, qualifier);
    item["FunctionArn"] = registry_.arn(target->function->name, qualifier);
    items.push_back(std::move(item));
  }
  return page(call, "ProvisionedConcurrencyConfigs", std::move(items));
}

ApiAnswer Control::deleteProvisioned(const ApiCall& call) {
  auto target = publishedTarget(call, kNotPublished);
  if (!target) return ApiFailure(target.error());
  FunctionRecord changed = *target->function;
  changed.provisioned.erase(target->ref.qualifier);
  if (auto done = commit(*target->function, std::move(changed)); !done) return ApiFailure(done.error());
  registry_.applyProvisioned(*target->function);
  return ApiReply{204, std::nullopt};
}

}  // namespace lectern::engine
