// Event source mappings. Folders are polled (invoke/folder_source.h); mappings with other sources are kept and listed.

#include <fmt/core.h>

#include "base/ids.h"
#include "contract/event_filter.h"
#include "engine/control/control.h"
#include "engine/control/folder_arn.h"

namespace lectern::engine {

using contract::ApiFailure;
using contract::ApiResult;
using contract::Operation;

namespace {

/// What UpdateEventSourceMapping may change.
constexpr std::string_view kChangeable[] = {
    "BatchSize",        "MaximumBatchingWindowInSeconds", "MaximumRetryAttempts", "MaximumRecordAgeInSeconds",
    "DestinationConfig", "FilterCriteria",                 "ScalingConfig"};

struct Range {
  std::string_view key, name;
  int64_t least, most;
};
constexpr Range kRanges[] = {{"BatchSize", "batchSize", 1, 10'000},
                             {"MaximumBatchingWindowInSeconds", "maximumBatchingWindowInSeconds", 0, 300},
                             {"MaximumRetryAttempts", "maximumRetryAttempts", -1, 10'000},
                             {"MaximumRecordAgeInSeconds", "maximumRecordAgeInSeconds", -1, 604'800}};

/// Settings of a request that creates or changes a mapping.
ApiResult<void> check(const json::object& body) {
  for (auto& range : kRanges) {
    auto* value = body.if_contains(range.key);
    if (!value || value->is_null()) continue;
    int64_t number = intOr(body, range.key, range.least - 1);
    if (number >= range.least && number <= range.most) continue;
    bool low = number < range.least;
    return ApiFailure(contract::validation(
        std::to_string(number), range.name,
        fmt::format("Member must have value {} than or equal to {}", low ? "greater" : "less",
                    low ? range.least : range.most)));
  }
  if (auto* criteria = body.if_contains("FilterCriteria")) {
    if (auto filter = contract::EventFilter::of(*criteria); !filter) return ApiFailure(filter.error());
  }
  return {};
}

}  // namespace

ApiAnswer Control::mappings(const ApiCall& call) {
  if (call.operation == Operation::kListEventSourceMappings) return listMappings(call);
  if (call.operation == Operation::kCreateEventSourceMapping) return createMapping(call);
  auto it = registry_.mappings().find(call.parameter("UUID"));
  if (it == registry_.mappings().end()) return notThere();
  if (call.operation == Operation::kGetEventSourceMapping) return ApiReply{200, it->second};
  if (call.operation == Operation::kDeleteEventSourceMapping) {
    json::object mapping = it->second;
    mapping["State"] = "Deleting";
    if (auto done = registry_.removeMapping(it->first); !done) return ApiFailure(done.error());
    return ApiReply{202, std::move(mapping)};
  }
  if (auto good = check(call.body); !good) return ApiFailure(good.error());
  json::object before = it->second;
  for (std::string_view key : kChangeable) {
    if (auto* value = call.body.if_contains(key)) it->second[key] = *value;
  }
  if (call.body.contains("Enabled")) it->second["State"] = boolOr(call.body, "Enabled", true) ? "Enabled" : "Disabled";
  it->second["LastModified"] = double(registry_.clock().wall().epoch_millis) / 1000.0;
  if (auto done = registry_.saveMapping(it->first); !done) {
    it->second = std::move(before);
    return ApiFailure(done.error());
  }
  return ApiReply{202, it->second};
}

ApiAnswer Control::listMappings(const ApiCall& call) {
  json::array items;
  std::string function = call.queryOr("FunctionName"), source = call.queryOr("EventSourceArn");
  for (auto& [uuid, mapping] : registry_.mappings()) {
    std::string arn = stringOr(mapping, "FunctionArn", "");
    if (!function.empty() && arn != function && arn != registry_.arn(function)) continue;
    if (!source.empty() && stringOr(mapping, "EventSourceArn", "") != source) continue;
    items.push_back(mapping);
  }
  return page(call, "EventSourceMappings", std::move(items), 100);
}

ApiAnswer Control::createMapping(const ApiCall& call) {
  auto& all = registry_.mappings();
  auto ref = contract::parseFunctionRef(registry_.options().place, stringOr(call.body, "FunctionName", ""), "");
  if (!ref) return ApiFailure(ref.error());
  if (!registry_.find(ref->name)) return ApiFailure(contract::invalidParameter("Function does not exist"));
  if (auto good = check(call.body); !good) return ApiFailure(good.error());
  std::string source = stringOr(call.body, "EventSourceArn", "");
  if (source.empty() && !call.body.contains("SelfManagedEventSource")) {
    return ApiFailure(contract::invalidParameter("Unrecognized event source."));
  }
  auto folder = folderOfArn(source);
  if (std::error_code error; folder && !std::filesystem::is_directory(*folder, error)) {
    return ApiFailure(contract::invalidParameter("The event source " + source + " is no folder of this machine."));
  }
  std::string function_arn = registry_.arn(ref->name, ref->qualifier);
  for (auto& [uuid, mapping] : all) {
    if (source.empty() || stringOr(mapping, "EventSourceArn", "") != source ||
        stringOr(mapping, "FunctionArn", "") != function_arn) {
      continue;
    }
    return ApiFailure(contract::conflict(
        fmt::format("An event source mapping with event source arn (\" {} \") and function (\" {} \") already exists. Please "
                    "update or delete the existing mapping with UUID {}",
                    source, ref->name, uuid)));
  }
  json::object mapping = call.body;
  mapping["LastProcessingResult"] =
      folder ? "No records processed" : "Lectern polls folders only (file:///DIRECTORY); this source stays silent";
  std::string uuid = newUuid();
  mapping.erase("FunctionName");
  mapping["UUID"] = uuid;
  mapping["FunctionArn"] = function_arn;
  mapping["EventSourceMappingArn"] =
      fmt::format("arn:aws:lambda:{}:{}:event-source-mapping:{}", registry_.options().place.region,
                  registry_.options().place.account, uuid);
  if (!mapping.contains("BatchSize")) mapping["BatchSize"] = 10;
  bool enabled = boolOr(call.body, "Enabled", true);
  mapping.erase("Enabled");
  mapping["State"] = enabled ? "Enabled" : "Disabled";
  mapping["StateTransitionReason"] = "USER_INITIATED";
  mapping["LastModified"] = double(registry_.clock().wall().epoch_millis) / 1000.0;
  all[uuid] = mapping;
  if (auto done = registry_.saveMapping(uuid); !done) {
    all.erase(uuid);
    return ApiFailure(done.error());
  }
  return ApiReply{202, std::move(mapping)};
}

}  // namespace lectern::engine
