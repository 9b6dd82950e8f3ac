#include "engine/control/request_types.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace lectern::engine {

namespace {

enum class Kind { kText, kNumber, kBool, kObject, kList, kTexts };

struct Member {
  std::string_view name;
  Kind kind;
};

// Names mean the same wherever they stand. kTexts: an object with names of the caller's own and texts.
constexpr Member kMembers[] = {
    {"Action", Kind::kText}, {"AllowCredentials", Kind::kBool}, {"AllowHeaders", Kind::kList},
    {"AllowMethods", Kind::kList}, {"AllowOrigins", Kind::kList}, {"ApplicationLogLevel", Kind::kText},
    {"ApplyOn", Kind::kText}, {"Architectures", Kind::kList}, {"Arn", Kind::kText}, {"AuthType", Kind::kText},
    {"BatchSize", Kind::kNumber}, {"BisectBatchOnFunctionError", Kind::kBool}, {"Code", Kind::kObject},
    {"CodeSha256", Kind::kText}, {"CompatibleArchitectures", Kind::kList}, {"CompatibleRuntimes", Kind::kList},
    {"Content", Kind::kObject}, {"Cors", Kind::kObject}, {"DeadLetterConfig", Kind::kObject},
    {"Description", Kind::kText}, {"Destination", Kind::kText}, {"DestinationConfig", Kind::kObject},
    {"DryRun", Kind::kBool}, {"Enabled", Kind::kBool}, {"Environment", Kind::kObject},
    {"EphemeralStorage", Kind::kObject}, {"EventSourceArn", Kind::kText}, {"EventSourceToken", Kind::kText},
    {"ExposeHeaders", Kind::kList}, {"FileSystemConfigs", Kind::kList}, {"FilterCriteria", Kind::kObject},
    {"Filters", Kind::kList}, {"FunctionName", Kind::kText}, {"FunctionResponseTypes", Kind::kList},
    {"FunctionUrlAuthType", Kind::kText}, {"FunctionVersion", Kind::kText}, {"Handler", Kind::kText},
    {"ImageConfig", Kind::kObject}, {"ImageUri", Kind::kText}, {"InvokeMode", Kind::kText},
    {"InvokedViaFunctionUrl", Kind::kBool}, {"KMSKeyArn", Kind::kText}, {"Layers", Kind::kList},
    {"LicenseInfo", Kind::kText}, {"LocalMountPath", Kind::kText}, {"LogFormat", Kind::kText}, {"LogGroup", Kind::kText},
    {"LoggingConfig", Kind::kObject}, {"MaxAge", Kind::kNumber}, {"MaximumBatchingWindowInSeconds", Kind::kNumber},
    {"MaximumEventAgeInSeconds", Kind::kNumber}, {"MaximumRecordAgeInSeconds", Kind::kNumber},
    {"MaximumRetryAttempts", Kind::kNumber}, {"MemorySize", Kind::kNumber}, {"Mode", Kind::kText}, {"Name", Kind::kText},
    {"OnFailure", Kind::kObject}, {"OnSuccess", Kind::kObject}, {"OrganizationId", Kind::kText},
    {"PackageType", Kind::kText}, {"ParallelizationFactor", Kind::kNumber}, {"Pattern", Kind::kText},
    {"Principal", Kind::kText}, {"PrincipalOrgID", Kind::kText}, {"ProvisionedConcurrentExecutions", Kind::kNumber},
    {"Publish", Kind::kBool}, {"RecursiveLoop", Kind::kText}, {"ReservedConcurrentExecutions", Kind::kNumber},
    {"RevisionId", Kind::kText}, {"Role", Kind::kText}, {"RoutingConfig", Kind::kObject}, {"Runtime", Kind::kText},
    {"RuntimeVersionArn", Kind::kText}, {"S3Bucket", Kind::kText}, {"S3Key", Kind::kText},
    {"S3ObjectVersion", Kind::kText}, {"ScalingConfig", Kind::kObject}, {"SecurityGroupIds", Kind::kList},
    {"SelfManagedEventSource", Kind::kObject}, {"Size", Kind::kNumber}, {"SnapStart", Kind::kObject},
    {"SourceAccessConfigurations", Kind::kList}, {"SourceAccount", Kind::kText}, {"SourceArn", Kind::kText},
    {"StartingPosition", Kind::kText}, {"StatementId", Kind::kText}, {"SubnetIds", Kind::kList},
    {"SystemLogLevel", Kind::kText}, {"Tags", Kind::kTexts}, {"TargetArn", Kind::kText}, {"Timeout", Kind::kNumber},
    {"Topics", Kind::kList}, {"TracingConfig", Kind::kObject}, {"TumblingWindowInSeconds", Kind::kNumber},
    {"UpdateRuntimeOn", Kind::kText}, {"Variables", Kind::kTexts}, {"VpcConfig", Kind::kObject}, {"ZipFile", Kind::kText}};

bool isKind(const json::value& value, Kind kind) {
  switch (kind) {
    case Kind::kText:
      return value.is_string();
    case Kind::kNumber:
      return value.is_number();
    case Kind::kBool:
      return value.is_bool();
    case Kind::kObject:
      return value.is_object();
    case Kind::kList:
      return value.is_array();
    case Kind::kTexts:
      return value.is_object() && std::all_of(value.get_object().begin(), value.get_object().end(),
                                              [](const auto& member) { return member.value().is_string(); });
  }
  return false;
}

}  // namespace

bool wellTyped(json::object& body) {
  for (auto member = body.begin(); member != body.end();) {
    if (member->value().is_null()) {
      member = body.erase(member);
      continue;
    }
    std::string_view name(member->key().data(), member->key().size());
    auto known = std::find_if(std::begin(kMembers), std::end(kMembers), [&](const Member& m) { return m.name == name; });
    if (known != std::end(kMembers)) {
      if (!isKind(member->value(), known->kind)) return false;
      if (known->kind == Kind::kObject && !wellTyped(member->value().get_object())) return false;
      if (known->kind == Kind::kList) {
        for (auto& item : member->value().get_array()) {
          if (item.is_object() && !wellTyped(item.get_object())) return false;
        }
      }
    }
    ++member;
  }
  return true;
}

}  // namespace lectern::engine
