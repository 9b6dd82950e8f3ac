#pragma once
// The operations of the Lambda API: method, path and status, as in the service model of 2015-03-31.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lectern::contract {

enum class Operation {
  kAddLayerVersionPermission,
  kAddPermission,
  kCheckpointDurableExecution,
  kCreateAlias,
  kCreateCapacityProvider,
  kCreateCodeSigningConfig,
  kCreateEventSourceMapping,
  kCreateFunction,
  kCreateFunctionUrlConfig,
  kDeleteAlias,
  kDeleteCapacityProvider,
  kDeleteCodeSigningConfig,
  kDeleteEventSourceMapping,
  kDeleteFunction,
  kDeleteFunctionCodeSigningConfig,
  kDeleteFunctionConcurrency,
  kDeleteFunctionEventInvokeConfig,
  kDeleteFunctionUrlConfig,
  kDeleteLayerVersion,
  kDeleteProvisionedConcurrencyConfig,
  kGetAccountSettings,
  kGetAlias,
  kGetCapacityProvider,
  kGetCodeSigningConfig,
  kGetDurableExecution,
  kGetDurableExecutionHistory,
  kGetDurableExecutionState,
  kGetEventSourceMapping,
  kGetFunction,
  kGetFunctionCodeSigningConfig,
  kGetFunctionConcurrency,
  kGetFunctionConfiguration,
  kGetFunctionEventInvokeConfig,
  kGetFunctionRecursionConfig,
  kGetFunctionScalingConfig,
  kGetFunctionUrlConfig,
  kGetLayerVersion,
  kGetLayerVersionByArn,
  kGetLayerVersionPolicy,
  kGetPolicy,
  kGetProvisionedConcurrencyConfig,
  kGetRuntimeManagementConfig,
  kInvoke,
  kInvokeAsync,
  kInvokeWithResponseStream,
  kListAliases,
  kListCapacityProviders,
  kListCodeSigningConfigs,
  kListDurableExecutionsByFunction,
  kListEventSourceMappings,
  kListFunctionEventInvokeConfigs,
  kListFunctionUrlConfigs,
  kListFunctionVersionsByCapacityProvider,
  kListFunctions,
  kListFunctionsByCodeSigningConfig,
  kListLayerVersions,
  kListLayers,
  kListProvisionedConcurrencyConfigs,
  kListTags,
  kListVersionsByFunction,
  kPublishLayerVersion,
  kPublishVersion,
  kPutFunctionCodeSigningConfig,
  kPutFunctionConcurrency,
  kPutFunctionEventInvokeConfig,
  kPutFunctionRecursionConfig,
  kPutFunctionScalingConfig,
  kPutProvisionedConcurrencyConfig,
  kPutRuntimeManagementConfig,
  kRemoveLayerVersionPermission,
  kRemovePermission,
  kSendDurableExecutionCallbackFailure,
  kSendDurableExecutionCallbackHeartbeat,
  kSendDurableExecutionCallbackSuccess,
  kStopDurableExecution,
  kTagResource,
  kUntagResource,
  kUpdateAlias,
  kUpdateCapacityProvider,
  kUpdateCodeSigningConfig,
  kUpdateEventSourceMapping,
  kUpdateFunctionCode,
  kUpdateFunctionConfiguration,
  kUpdateFunctionEventInvokeConfig,
  kUpdateFunctionUrlConfig,
};

struct OperationInfo {
  Operation operation;
  std::string_view name, method, path;  // path with {Parameters}
  int ok_status;
};

struct OperationMatch {
  const OperationInfo* info = nullptr;
  std::vector<std::pair<std::string_view, std::string>> parameters;  // decoded

  /// The parameter's value, or "".
  std::string_view parameter(std::string_view name) const;
};

/// Finds the operation for a method and a raw (still encoded) path and query. Nothing when there is none; trailing
/// slashes are ignored.
std::optional<OperationMatch> matchOperation(std::string_view method, std::string_view path, std::string_view query);

/// All operations, for tests and documentation.
std::span<const OperationInfo> operations();

}  // namespace lectern::contract
