#include "contract/errors.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/json.h"

namespace lectern::contract {

namespace {

/// Exceptions whose text stands under "Message"; all others use "message".
constexpr std::array<std::string_view, 27> kUpperCase = {"ResourceNotFoundException",
                                                         "ServiceException",
                                                         "EC2AccessDeniedException",
                                                         "EC2ThrottledException",
                                                         "EC2UnexpectedException",
                                                         "ENILimitReachedException",
                                                         "SubnetIPAddressLimitReachedException",
                                                         "InvalidSubnetIDException",
                                                         "InvalidSecurityGroupIDException",
                                                         "EFSIOException",
                                                         "EFSMountConnectivityException",
                                                         "EFSMountFailureException",
                                                         "EFSMountTimeoutException",
                                                         "KMSAccessDeniedException",
                                                         "KMSDisabledException",
                                                         "KMSInvalidStateException",
                                                         "KMSNotFoundException",
                                                         "SnapStartException",
                                                         "SnapStartNotReadyException",
                                                         "SnapStartTimeoutException",
                                                         "InvalidRuntimeException",
                                                         "InvalidZipFileException",
                                                         "CodeSigningConfigNotFoundException",
                                                         "CodeVerificationFailedException",
                                                         "InvalidCodeSignatureException",
                                                         "ResourceInUseException",
                                                         "RecursiveInvocationException"};

}  // namespace

std::string ApiError::body() const {
  json::object out;
  bool upper = std::find(kUpperCase.begin(), kUpperCase.end(), name) != kUpperCase.end();
  if (!reason.empty()) out["Reason"] = reason;
  if (typed) out["Type"] = status < 500 ? "User" : "Server";
  out[upper ? "Message" : "message"] = message;
  return toJson(out);
}

ApiError invalidParameter(std::string message) {
  return {400, "InvalidParameterValueException", std::move(message), "", true};
}
ApiError invalidRequestContent(std::string message) {
  return {400, "InvalidRequestContentException", std::move(message), "", true};
}
ApiError validation(std::string_view value, std::string_view field, std::string_view constraint) {
  return {400, "ValidationException",
          fmt::format("1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: {}", value, field,
                      constraint),
          "", false};
}
ApiError missingMember(std::string_view field) {
  return {400, "ValidationException",
          fmt::format("1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
                      field),
          "", false};
}
ApiError notFound(std::string message) { return {404, "ResourceNotFoundException", std::move(message), "", true}; }
ApiError functionNotFound(std::string_view arn) { return notFound(fmt::format("Function not found: {}", arn)); }
ApiError conflict(std::string message) { return {409, "ResourceConflictException", std::move(message), "", true}; }
ApiError preconditionFailed() {
  return {
      412, "PreconditionFailedException",
      "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve "
      "the latest Revision Id",
      "", true};
}
ApiError throttled(std::string reason) {
  return {429, "TooManyRequestsException", "Rate Exceeded.", std::move(reason), true};
}
ApiError tooLarge(std::string message) {
  return {413, "RequestEntityTooLargeException", std::move(message), "", false};
}
ApiError accessDenied(std::string name, std::string message) {
  return {403, std::move(name), std::move(message), "", false};
}
ApiError serviceError(std::string message) { return {500, "ServiceException", std::move(message), "", true}; }
ApiError unknownOperation() { return {404, "UnknownOperationException", "", "", false}; }

std::string functionErrorBody(std::string_view type, std::string_view request_id, std::string_view text) {
  json::object out;
  out["errorType"] = type;
  out["errorMessage"] =
      request_id.empty() ? fmt::format("Error: {}", text) : fmt::format("RequestId: {} Error: {}", request_id, text);
  return toJson(out);
}

}  // namespace lectern::contract
