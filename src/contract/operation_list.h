#pragma once
// The operations of the Lambda API, as in the service model of 2015-03-31: X(NAME, METHOD, PATH, STATUS). The path has
// {Parameters}; the one that is called most stands first.

#define LECTERN_OPERATIONS(X) \
  X(Invoke, "POST", "/2015-03-31/functions/{FunctionName}/invocations", 200) \
  X(InvokeWithResponseStream, "POST", "/2021-11-15/functions/{FunctionName}/response-streaming-invocations", 200) \
  X(AddLayerVersionPermission, "POST", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", 201) \
  X(AddPermission, "POST", "/2015-03-31/functions/{FunctionName}/policy", 201) \
  X(CheckpointDurableExecution, "POST", "/2025-12-01/durable-executions/{DurableExecutionArn}/checkpoint", 200) \
  X(CreateAlias, "POST", "/2015-03-31/functions/{FunctionName}/aliases", 201) \
  X(CreateCapacityProvider, "POST", "/2025-11-30/capacity-providers", 202) \
  X(CreateCodeSigningConfig, "POST", "/2020-04-22/code-signing-configs", 201) \
  X(CreateEventSourceMapping, "POST", "/2015-03-31/event-source-mappings", 202) \
  X(CreateFunction, "POST", "/2015-03-31/functions", 201) \
  X(CreateFunctionUrlConfig, "POST", "/2021-10-31/functions/{FunctionName}/url", 201) \
  X(DeleteAlias, "DELETE", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 204) \
  X(DeleteCapacityProvider, "DELETE", "/2025-11-30/capacity-providers/{CapacityProviderName}", 202) \
  X(DeleteCodeSigningConfig, "DELETE", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", 204) \
  X(DeleteEventSourceMapping, "DELETE", "/2015-03-31/event-source-mappings/{UUID}", 202) \
  X(DeleteFunction, "DELETE", "/2015-03-31/functions/{FunctionName}", 200) \
  X(DeleteFunctionCodeSigningConfig, "DELETE", "/2020-06-30/functions/{FunctionName}/code-signing-config", 204) \
  X(DeleteFunctionConcurrency, "DELETE", "/2017-10-31/functions/{FunctionName}/concurrency", 204) \
  X(DeleteFunctionEventInvokeConfig, "DELETE", "/2019-09-25/functions/{FunctionName}/event-invoke-config", 204) \
  X(DeleteFunctionUrlConfig, "DELETE", "/2021-10-31/functions/{FunctionName}/url", 204) \
  X(DeleteLayerVersion, "DELETE", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", 204) \
  X(DeleteProvisionedConcurrencyConfig, "DELETE", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 204) \
  X(GetAccountSettings, "GET", "/2016-08-19/account-settings", 200) \
  X(GetAlias, "GET", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 200) \
  X(GetCapacityProvider, "GET", "/2025-11-30/capacity-providers/{CapacityProviderName}", 200) \
  X(GetCodeSigningConfig, "GET", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", 200) \
  X(GetDurableExecution, "GET", "/2025-12-01/durable-executions/{DurableExecutionArn}", 200) \
  X(GetDurableExecutionHistory, "GET", "/2025-12-01/durable-executions/{DurableExecutionArn}/history", 200) \
  X(GetDurableExecutionState, "GET", "/2025-12-01/durable-executions/{DurableExecutionArn}/state", 200) \
  X(GetEventSourceMapping, "GET", "/2015-03-31/event-source-mappings/{UUID}", 200) \
  X(GetFunction, "GET", "/2015-03-31/functions/{FunctionName}", 200) \
  X(GetFunctionCodeSigningConfig, "GET", "/2020-06-30/functions/{FunctionName}/code-signing-config", 200) \
  X(GetFunctionConcurrency, "GET", "/2019-09-30/functions/{FunctionName}/concurrency", 200) \
  X(GetFunctionConfiguration, "GET", "/2015-03-31/functions/{FunctionName}/configuration", 200) \
  X(GetFunctionEventInvokeConfig, "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config", 200) \
  X(GetFunctionRecursionConfig, "GET", "/2024-08-31/functions/{FunctionName}/recursion-config", 200) \
  X(GetFunctionScalingConfig, "GET", "/2025-11-30/functions/{FunctionName}/function-scaling-config", 200) \
  X(GetFunctionUrlConfig, "GET", "/2021-10-31/functions/{FunctionName}/url", 200) \
  X(GetLayerVersion, "GET", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", 200) \
  X(GetLayerVersionByArn, "GET", "/2018-10-31/layers?find=LayerVersion", 200) \
  X(GetLayerVersionPolicy, "GET", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", 200) \
  X(GetPolicy, "GET", "/2015-03-31/functions/{FunctionName}/policy", 200) \
  X(GetProvisionedConcurrencyConfig, "GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 200) \
  X(GetRuntimeManagementConfig, "GET", "/2021-07-20/functions/{FunctionName}/runtime-management-config", 200) \
  X(InvokeAsync, "POST", "/2014-11-13/functions/{FunctionName}/invoke-async", 202) \
  X(ListAliases, "GET", "/2015-03-31/functions/{FunctionName}/aliases", 200) \
  X(ListCapacityProviders, "GET", "/2025-11-30/capacity-providers", 200) \
  X(ListCodeSigningConfigs, "GET", "/2020-04-22/code-signing-configs", 200) \
  X(ListDurableExecutionsByFunction, "GET", "/2025-12-01/functions/{FunctionName}/durable-executions", 200) \
  X(ListEventSourceMappings, "GET", "/2015-03-31/event-source-mappings", 200) \
  X(ListFunctionEventInvokeConfigs, "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config/list", 200) \
  X(ListFunctionUrlConfigs, "GET", "/2021-10-31/functions/{FunctionName}/urls", 200) \
  X(ListFunctionVersionsByCapacityProvider, "GET", \
    "/2025-11-30/capacity-providers/{CapacityProviderName}/function-versions", 200) \
  X(ListFunctions, "GET", "/2015-03-31/functions", 200) \
  X(ListFunctionsByCodeSigningConfig, "GET", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}/functions", 200) \
  X(ListLayerVersions, "GET", "/2018-10-31/layers/{LayerName}/versions", 200) \
  X(ListLayers, "GET", "/2018-10-31/layers", 200) \
  X(ListProvisionedConcurrencyConfigs, "GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency?List=ALL", 200) \
  X(ListTags, "GET", "/2017-03-31/tags/{Resource}", 200) \
  X(ListVersionsByFunction, "GET", "/2015-03-31/functions/{FunctionName}/versions", 200) \
  X(PublishLayerVersion, "POST", "/2018-10-31/layers/{LayerName}/versions", 201) \
  X(PublishVersion, "POST", "/2015-03-31/functions/{FunctionName}/versions", 201) \
  X(PutFunctionCodeSigningConfig, "PUT", "/2020-06-30/functions/{FunctionName}/code-signing-config", 200) \
  X(PutFunctionConcurrency, "PUT", "/2017-10-31/functions/{FunctionName}/concurrency", 200) \
  X(PutFunctionEventInvokeConfig, "PUT", "/2019-09-25/functions/{FunctionName}/event-invoke-config", 200) \
  X(PutFunctionRecursionConfig, "PUT", "/2024-08-31/functions/{FunctionName}/recursion-config", 200) \
  X(PutFunctionScalingConfig, "PUT", "/2025-11-30/functions/{FunctionName}/function-scaling-config", 202) \
  X(PutProvisionedConcurrencyConfig, "PUT", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 202) \
  X(PutRuntimeManagementConfig, "PUT", "/2021-07-20/functions/{FunctionName}/runtime-management-config", 200) \
  X(RemoveLayerVersionPermission, "DELETE", \
    "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy/{StatementId}", 204) \
  X(RemovePermission, "DELETE", "/2015-03-31/functions/{FunctionName}/policy/{StatementId}", 204) \
  X(SendDurableExecutionCallbackFailure, "POST", "/2025-12-01/durable-execution-callbacks/{CallbackId}/fail", 200) \
  X(SendDurableExecutionCallbackHeartbeat, "POST", "/2025-12-01/durable-execution-callbacks/{CallbackId}/heartbeat", 200) \
  X(SendDurableExecutionCallbackSuccess, "POST", "/2025-12-01/durable-execution-callbacks/{CallbackId}/succeed", 200) \
  X(StopDurableExecution, "POST", "/2025-12-01/durable-executions/{DurableExecutionArn}/stop", 200) \
  X(TagResource, "POST", "/2017-03-31/tags/{Resource}", 204) \
  X(UntagResource, "DELETE", "/2017-03-31/tags/{Resource}", 204) \
  X(UpdateAlias, "PUT", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 200) \
  X(UpdateCapacityProvider, "PUT", "/2025-11-30/capacity-providers/{CapacityProviderName}", 202) \
  X(UpdateCodeSigningConfig, "PUT", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", 200) \
  X(UpdateEventSourceMapping, "PUT", "/2015-03-31/event-source-mappings/{UUID}", 202) \
  X(UpdateFunctionCode, "PUT", "/2015-03-31/functions/{FunctionName}/code", 200) \
  X(UpdateFunctionConfiguration, "PUT", "/2015-03-31/functions/{FunctionName}/configuration", 200) \
  X(UpdateFunctionEventInvokeConfig, "POST", "/2019-09-25/functions/{FunctionName}/event-invoke-config", 200) \
  X(UpdateFunctionUrlConfig, "PUT", "/2021-10-31/functions/{FunctionName}/url", 200)
