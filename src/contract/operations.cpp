#include "contract/operations.h"

namespace lectern::contract {

namespace {

constexpr OperationInfo kOperations[] = {
    {Operation::kInvoke, "Invoke", "POST", "/2015-03-31/functions/{FunctionName}/invocations", 200},
    {Operation::kInvokeWithResponseStream, "InvokeWithResponseStream", "POST",
     "/2021-11-15/functions/{FunctionName}/response-streaming-invocations", 200},
    {Operation::kAddLayerVersionPermission, "AddLayerVersionPermission", "POST",
     "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", 201},
    {Operation::kAddPermission, "AddPermission", "POST", "/2015-03-31/functions/{FunctionName}/policy", 201},
    {Operation::kCheckpointDurableExecution, "CheckpointDurableExecution", "POST",
     "/2025-12-01/durable-executions/{DurableExecutionArn}/checkpoint", 200},
    {Operation::kCreateAlias, "CreateAlias", "POST", "/2015-03-31/functions/{FunctionName}/aliases", 201},
    {Operation::kCreateCapacityProvider, "CreateCapacityProvider", "POST", "/2025-11-30/capacity-providers", 202},
    {Operation::kCreateCodeSigningConfig, "CreateCodeSigningConfig", "POST", "/2020-04-22/code-signing-configs", 201},
    {Operation::kCreateEventSourceMapping, "CreateEventSourceMapping", "POST", "/2015-03-31/event-source-mappings",
     202},
    {Operation::kCreateFunction, "CreateFunction", "POST", "/2015-03-31/functions", 201},
    {Operation::kCreateFunctionUrlConfig, "CreateFunctionUrlConfig", "POST",
     "/2021-10-31/functions/{FunctionName}/url", 201},
    {Operation::kDeleteAlias, "DeleteAlias", "DELETE", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 204},
    {Operation::kDeleteCapacityProvider, "DeleteCapacityProvider", "DELETE",
     "/2025-11-30/capacity-providers/{CapacityProviderName}", 202},
    {Operation::kDeleteCodeSigningConfig, "DeleteCodeSigningConfig", "DELETE",
     "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", 204},
    {Operation::kDeleteEventSourceMapping, "DeleteEventSourceMapping", "DELETE",
     "/2015-03-31/event-source-mappings/{UUID}", 202},
    {Operation::kDeleteFunction, "DeleteFunction", "DELETE", "/2015-03-31/functions/{FunctionName}", 200},
    {Operation::kDeleteFunctionCodeSigningConfig, "DeleteFunctionCodeSigningConfig", "DELETE",
     "/2020-06-30/functions/{FunctionName}/code-signing-config", 204},
    {Operation::kDeleteFunctionConcurrency, "DeleteFunctionConcurrency", "DELETE",
     "/2017-10-31/functions/{FunctionName}/concurrency", 204},
    {Operation::kDeleteFunctionEventInvokeConfig, "DeleteFunctionEventInvokeConfig", "DELETE",
     "/2019-09-25/functions/{FunctionName}/event-invoke-config", 204},
    {Operation::kDeleteFunctionUrlConfig, "DeleteFunctionUrlConfig", "DELETE",
     "/2021-10-31/functions/{FunctionName}/url", 204},
    {Operation::kDeleteLayerVersion, "DeleteLayerVersion", "DELETE",
     "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", 204},
    {Operation::kDeleteProvisionedConcurrencyConfig, "DeleteProvisionedConcurrencyConfig", "DELETE",
     "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 204},
    {Operation::kGetAccountSettings, "GetAccountSettings", "GET", "/2016-08-19/account-settings", 200},
    {Operation::kGetAlias, "GetAlias", "GET", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 200},
    {Operation::kGetCapacityProvider, "GetCapacityProvider", "GET",
     "/2025-11-30/capacity-providers/{CapacityProviderName}", 200},
    {Operation::kGetCodeSigningConfig, "GetCodeSigningConfig", "GET",
     "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", 200},
    {Operation::kGetDurableExecution, "GetDurableExecution", "GET",
     "/2025-12-01/durable-executions/{DurableExecutionArn}", 200},
    {Operation::kGetDurableExecutionHistory, "GetDurableExecutionHistory", "GET",
     "/2025-12-01/durable-executions/{DurableExecutionArn}/history", 200},
    {Operation::kGetDurableExecutionState, "GetDurableExecutionState", "GET",
     "/2025-12-01/durable-executions/{DurableExecutionArn}/state", 200},
    {Operation::kGetEventSourceMapping, "GetEventSourceMapping", "GET", "/2015-03-31/event-source-mappings/{UUID}",
     200},
    {Operation::kGetFunction, "GetFunction", "GET", "/2015-03-31/functions/{FunctionName}", 200},
    {Operation::kGetFunctionCodeSigningConfig, "GetFunctionCodeSigningConfig", "GET",
     "/2020-06-30/functions/{FunctionName}/code-signing-config", 200},
    {Operation::kGetFunctionConcurrency, "GetFunctionConcurrency", "GET",
     "/2019-09-30/functions/{FunctionName}/concurrency", 200},
    {Operation::kGetFunctionConfiguration, "GetFunctionConfiguration", "GET",
     "/2015-03-31/functions/{FunctionName}/configuration", 200},
    {Operation::kGetFunctionEventInvokeConfig, "GetFunctionEventInvokeConfig", "GET",
     "/2019-09-25/functions/{FunctionName}/event-invoke-config", 200},
    {Operation::kGetFunctionRecursionConfig, "GetFunctionRecursionConfig", "GET",
     "/2024-08-31/functions/{FunctionName}/recursion-config", 200},
    {Operation::kGetFunctionScalingConfig, "GetFunctionScalingConfig", "GET",
     "/2025-11-30/functions/{FunctionName}/function-scaling-config", 200},
    {Operation::kGetFunctionUrlConfig, "GetFunctionUrlConfig", "GET", "/2021-10-31/functions/{FunctionName}/url", 200},
    {Operation::kGetLayerVersion, "GetLayerVersion", "GET", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}",
     200},
    {Operation::kGetLayerVersionByArn, "GetLayerVersionByArn", "GET", "/2018-10-31/layers?find=LayerVersion", 200},
    {Operation::kGetLayerVersionPolicy, "GetLayerVersionPolicy", "GET",
     "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", 200},
    {Operation::kGetPolicy, "GetPolicy", "GET", "/2015-03-31/functions/{FunctionName}/policy", 200},
    {Operation::kGetProvisionedConcurrencyConfig, "GetProvisionedConcurrencyConfig", "GET",
     "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 200},
    {Operation::kGetRuntimeManagementConfig, "GetRuntimeManagementConfig", "GET",
     "/2021-07-20/functions/{FunctionName}/runtime-management-config", 200},
    {Operation::kInvokeAsync, "InvokeAsync", "POST", "/2014-11-13/functions/{FunctionName}/invoke-async", 202},
    {Operation::kListAliases, "ListAliases", "GET", "/2015-03-31/functions/{FunctionName}/aliases", 200},
    {Operation::kListCapacityProviders, "ListCapacityProviders", "GET", "/2025-11-30/capacity-providers", 200},
    {Operation::kListCodeSigningConfigs, "ListCodeSigningConfigs", "GET", "/2020-04-22/code-signing-configs", 200},
    {Operation::kListDurableExecutionsByFunction, "ListDurableExecutionsByFunction", "GET",
     "/2025-12-01/functions/{FunctionName}/durable-executions", 200},
    {Operation::kListEventSourceMappings, "ListEventSourceMappings", "GET", "/2015-03-31/event-source-mappings", 200},
    {Operation::kListFunctionEventInvokeConfigs, "ListFunctionEventInvokeConfigs", "GET",
     "/2019-09-25/functions/{FunctionName}/event-invoke-config/list", 200},
    {Operation::kListFunctionUrlConfigs, "ListFunctionUrlConfigs", "GET", "/2021-10-31/functions/{FunctionName}/urls",
     200},
    {Operation::kListFunctionVersionsByCapacityProvider, "ListFunctionVersionsByCapacityProvider", "GET",
     "/2025-11-30/capacity-providers/{CapacityProviderName}/function-versions", 200},
    {Operation::kListFunctions, "ListFunctions", "GET", "/2015-03-31/functions", 200},
    {Operation::kListFunctionsByCodeSigningConfig, "ListFunctionsByCodeSigningConfig", "GET",
     "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}/functions", 200},
    {Operation::kListLayerVersions, "ListLayerVersions", "GET", "/2018-10-31/layers/{LayerName}/versions", 200},
    {Operation::kListLayers, "ListLayers", "GET", "/2018-10-31/layers", 200},
    {Operation::kListProvisionedConcurrencyConfigs, "ListProvisionedConcurrencyConfigs", "GET",
     "/2019-09-30/functions/{FunctionName}/provisioned-concurrency?List=ALL", 200},
    {Operation::kListTags, "ListTags", "GET", "/2017-03-31/tags/{Resource}", 200},
    {Operation::kListVersionsByFunction, "ListVersionsByFunction", "GET",
     "/2015-03-31/functions/{FunctionName}/versions", 200},
    {Operation::kPublishLayerVersion, "PublishLayerVersion", "POST", "/2018-10-31/layers/{LayerName}/versions", 201},
    {Operation::kPublishVersion, "PublishVersion", "POST", "/2015-03-31/functions/{FunctionName}/versions", 201},
    {Operation::kPutFunctionCodeSigningConfig, "PutFunctionCodeSigningConfig", "PUT",
     "/2020-06-30/functions/{FunctionName}/code-signing-config", 200},
    {Operation::kPutFunctionConcurrency, "PutFunctionConcurrency", "PUT",
     "/2017-10-31/functions/{FunctionName}/concurrency", 200},
    {Operation::kPutFunctionEventInvokeConfig, "PutFunctionEventInvokeConfig", "PUT",
     "/2019-09-25/functions/{FunctionName}/event-invoke-config", 200},
    {Operation::kPutFunctionRecursionConfig, "PutFunctionRecursionConfig", "PUT",
     "/2024-08-31/functions/{FunctionName}/recursion-config", 200},
    {Operation::kPutFunctionScalingConfig, "PutFunctionScalingConfig", "PUT",
     "/2025-11-30/functions/{FunctionName}/function-scaling-config", 202},
    {Operation::kPutProvisionedConcurrencyConfig, "PutProvisionedConcurrencyConfig", "PUT",
     "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 202},
    {Operation::kPutRuntimeManagementConfig, "PutRuntimeManagementConfig", "PUT",
     "/2021-07-20/functions/{FunctionName}/runtime-management-config", 200},
    {Operation::kRemoveLayerVersionPermission, "RemoveLayerVersionPermission", "DELETE",
     "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy/{StatementId}", 204},
    {Operation::kRemovePermission, "RemovePermission", "DELETE",
     "/2015-03-31/functions/{FunctionName}/policy/{StatementId}", 204},
    {Operation::kSendDurableExecutionCallbackFailure, "SendDurableExecutionCallbackFailure", "POST",
     "/2025-12-01/durable-execution-callbacks/{CallbackId}/fail", 200},
    {Operation::kSendDurableExecutionCallbackHeartbeat, "SendDurableExecutionCallbackHeartbeat", "POST",
     "/2025-12-01/durable-execution-callbacks/{CallbackId}/heartbeat", 200},
    {Operation::kSendDurableExecutionCallbackSuccess, "SendDurableExecutionCallbackSuccess", "POST",
     "/2025-12-01/durable-execution-callbacks/{CallbackId}/succeed", 200},
    {Operation::kStopDurableExecution, "StopDurableExecution", "POST",
     "/2025-12-01/durable-executions/{DurableExecutionArn}/stop", 200},
    {Operation::kTagResource, "TagResource", "POST", "/2017-03-31/tags/{Resource}", 204},
    {Operation::kUntagResource, "UntagResource", "DELETE", "/2017-03-31/tags/{Resource}", 204},
    {Operation::kUpdateAlias, "UpdateAlias", "PUT", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 200},
    {Operation::kUpdateCapacityProvider, "UpdateCapacityProvider", "PUT",
     "/2025-11-30/capacity-providers/{CapacityProviderName}", 202},
    {Operation::kUpdateCodeSigningConfig, "UpdateCodeSigningConfig", "PUT",
     "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", 200},
    {Operation::kUpdateEventSourceMapping, "UpdateEventSourceMapping", "PUT",
     "/2015-03-31/event-source-mappings/{UUID}", 202},
    {Operation::kUpdateFunctionCode, "UpdateFunctionCode", "PUT", "/2015-03-31/functions/{FunctionName}/code", 200},
    {Operation::kUpdateFunctionConfiguration, "UpdateFunctionConfiguration", "PUT",
     "/2015-03-31/functions/{FunctionName}/configuration", 200},
    {Operation::kUpdateFunctionEventInvokeConfig, "UpdateFunctionEventInvokeConfig", "POST",
     "/2019-09-25/functions/{FunctionName}/event-invoke-config", 200},
    {Operation::kUpdateFunctionUrlConfig, "UpdateFunctionUrlConfig", "PUT", "/2021-10-31/functions/{FunctionName}/url",
     200},
};

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Undoes %XX; false for broken escapes and NUL.
bool decode(std::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      int high = i + 2 < text.size() ? hexDigit(text[i + 1]) : -1;
      int low = i + 2 < text.size() ? hexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0 || high + low == 0) return false;
      c = char(high * 16 + low);
      i += 2;
    }
    out += c;
  }
  return true;
}

std::string_view nextSegment(std::string_view& path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  size_t end = path.find('/');
  std::string_view segment = path.substr(0, end);
  path.remove_prefix(segment.size());
  return segment;
}

bool matchPath(std::string_view pattern, std::string_view path, OperationMatch& match) {
  match.parameters.clear();
  while (pattern.size() > 1 || path.size() > 1) {
    std::string_view wanted = nextSegment(pattern), got = nextSegment(path);
    if (got.empty() || wanted.empty()) return false;
    if (!wanted.starts_with('{')) {
      if (wanted != got) return false;
      continue;
    }
    std::string value;
    if (!decode(got, value)) return false;
    match.parameters.emplace_back(wanted.substr(1, wanted.size() - 2), std::move(value));
  }
  return true;
}

bool hasParameter(std::string_view query, std::string_view wanted) {
  while (!query.empty()) {
    size_t end = query.find('&');
    if (query.substr(0, end) == wanted) return true;
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace

std::string_view OperationMatch::parameter(std::string_view name) const {
  for (auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return {};
}

std::optional<OperationMatch> matchOperation(std::string_view method, std::string_view path, std::string_view query) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  std::optional<OperationMatch> found;
  for (auto& info : operations()) {
    if (info.method != method) continue;
    std::string_view pattern = info.path, needed;
    if (size_t mark = pattern.find('?'); mark != std::string_view::npos) {
      needed = pattern.substr(mark + 1);
      pattern = pattern.substr(0, mark);
    }
    if (!needed.empty() && !hasParameter(query, needed)) continue;
    if (needed.empty() && found) continue;
    OperationMatch match;
    if (!matchPath(pattern, path, match)) continue;
    match.info = &info;
    // A path that is told apart by its query is the more specific one.
    if (!found || !needed.empty()) found = std::move(match);
    if (info.operation == Operation::kInvoke) break;  // the hot one stands first
  }
  return found;
}

std::span<const OperationInfo> operations() { return kOperations; }

}  // namespace lectern::contract
