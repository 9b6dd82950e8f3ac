#pragma once
// What a function in C++ needs. It runs unchanged in Lectern and on AWS Lambda (provided.al2023):
//
//   #include "sdk/lectern.h"
//   int main() {
//     Model model = loadModel();                       // init: before run(), once for each instance
//     lectern::run([&](std::string event, const lectern::Context&) { return model.answer(event); });
//   }
//
// Payloads are bytes, JSON text as a rule; the SDK does not look into them. Throw FunctionError (or any
// std::exception) to report an error: the caller gets {"errorMessage","errorType","stackTrace"}. No dependency but the
// C and C++ libraries.

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lectern {

/// What is known about one invocation. Times are milliseconds since 1970-01-01 UTC.
struct Context {
  std::string request_id;
  std::string invoked_function_arn;
  std::string trace_id;
  std::string client_context;    // JSON text, or empty
  std::string cognito_identity;  // JSON text, or empty
  std::string tenant_id;
  int64_t deadline_epoch_millis = 0;

  /// What is left until the engine ends the invocation; not below 0.
  int64_t remainingMillis() const;
};

/// An error with a type of the function's own, such as "Receipt.Unreadable".
class FunctionError : public std::runtime_error {
 public:
  FunctionError(std::string type, const std::string& message) : std::runtime_error(message), type_(std::move(type)) {}
  const std::string& type() const { return type_; }

 private:
  std::string type_;
};

/// Answers in pieces. What is written reaches the caller at once when the function was invoked with a response stream.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  /// Before the first write; "application/octet-stream" otherwise.
  virtual void setContentType(std::string_view type) = 0;
  virtual void write(std::string_view bytes) = 0;
};

using Handler = std::function<std::string(std::string event, const Context& context)>;
using StreamingHandler = std::function<void(std::string event, ResponseStream& response, const Context& context)>;

/// Serves invocations until the engine ends the process. Returns only by exit(1), when the engine cannot be reached.
[[noreturn]] void run(const Handler& handler);
[[noreturn]] void runStreaming(const StreamingHandler& handler);

/// Tells the engine that init failed (the caller of the first invocation sees type and message) and ends the process.
[[noreturn]] void failInit(std::string_view type, std::string_view message);

/// With snapshots (snapStart: true) everything before run() happens once, in a template, and each instance starts as a
/// copy of it. Close connections and drop secrets before the snapshot; renew them, and random seeds of your own
/// generators, after. Hooks run in the order of registration (after) or in the opposite one (before). The C library's
/// generators are reseeded by the SDK. A process with more than one thread cannot be copied and starts the ordinary
/// way.
void onBeforeSnapshot(std::function<void()> hook);
void onAfterRestore(std::function<void()> hook);

/// True while this process is the template that instances are copied from (in hooks and init code).
bool isTemplate();

}  // namespace lectern
