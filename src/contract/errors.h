#pragma once
// Answers of the Lambda API that are not a success: status, error name and body as the service sends them.

#include <string>
#include <string_view>

namespace lectern::contract {

struct ApiError {
  int status = 500;
  std::string name;  // "ResourceNotFoundException"
  std::string message;
  std::string reason;  // of TooManyRequestsException
  bool typed = true;   // the body says whose fault it was ("Type": "User" or "Server")

  /// {"Type":"User","message":"..."}; the key of the text is "Message" for some exceptions.
  std::string body() const;
};

ApiError invalidParameter(std::string message);
ApiError invalidRequestContent(std::string message);
/// "1 validation error detected: Value 'x' at 'functionName' failed to satisfy constraint: ..."
ApiError validation(std::string_view value, std::string_view field, std::string_view constraint);
/// The same of a member that must be there: "... Value null at 'role' ...: Member must not be null".
ApiError missingMember(std::string_view field);
ApiError notFound(std::string message);
ApiError functionNotFound(std::string_view arn);
ApiError conflict(std::string message);
ApiError preconditionFailed();
ApiError throttled(std::string reason);
ApiError tooLarge(std::string message);
ApiError accessDenied(std::string name, std::string message);
ApiError serviceError(std::string message);
ApiError unknownOperation();

/// The text of every failure that the platform reports inside a function's answer:
/// {"errorType":T,"errorMessage":"RequestId: ID Error: TEXT"}; without id "Error: TEXT".
std::string functionErrorBody(std::string_view type, std::string_view request_id, std::string_view text);

namespace error_type {
constexpr std::string_view kTimeout = "Sandbox.Timedout";
constexpr std::string_view kExit = "Runtime.ExitError";
constexpr std::string_view kOutOfMemory = "Runtime.OutOfMemory";
constexpr std::string_view kResponseTooLarge = "Function.ResponseSizeTooLarge";
constexpr std::string_view kInvalidEntrypoint = "Runtime.InvalidEntrypoint";
constexpr std::string_view kTruncated = "Runtime.TruncatedResponse";
constexpr std::string_view kInvalidMode = "Runtime.InvalidResponseModeHeader";
}  // namespace error_type

}  // namespace lectern::contract
