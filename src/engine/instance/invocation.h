#pragma once
// One invocation on its way from the caller to a function and back.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "contract/errors.h"
#include "engine/control/function.h"
#include "net/http.h"

namespace lectern::engine {

/// What the caller gets.
struct Outcome {
  net::Body payload;
  std::string content_type = "application/json";
  bool function_error = false;  // X-Amz-Function-Error: Unhandled
  std::string error_type;       // "Sandbox.Timedout", ...; of failures that the platform found
  std::string executed_version;
  std::string log;                            // when the caller wanted it: the end of this invocation's log
  std::optional<contract::ApiError> refused;  // the function never ran
};

struct Invocation {
  uint64_t id = 0;
  std::string request_id;
  VersionPtr version;
  std::string invoked_arn;  // with the qualifier as the caller gave it
  net::Body payload;
  std::string client_context;  // plain JSON
  std::string cognito_identity;
  std::string trace_id;
  std::string tenant_id;
  bool want_log = false;
  std::function<void(Outcome)> done;  // called exactly once

  /// For callers that take the answer in pieces: told its content type, then the pieces, then done() without payload.
  std::function<void(std::string_view content_type)> on_begin;
  std::function<void(std::string_view bytes)> on_chunk;
  /// Bytes that such a caller has not taken yet.
  std::function<size_t()> unsent;
  bool streams() const { return bool(on_chunk); }

  SteadyTime arrived;
  bool cold = false;
  bool answered = false;

  void answer(Outcome outcome) {
    if (answered) return;
    answered = true;
    if (done) done(std::move(outcome));
  }
};

}  // namespace lectern::engine
