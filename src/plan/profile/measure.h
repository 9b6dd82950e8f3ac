#pragma once
// The rounds of a measurement, on whatever serves the function.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "plan/profile/profile.h"

namespace lectern::plan {

struct Invoked {
  std::string log_tail;  // text with the REPORT line
  bool failed = false;
  std::string payload;   // the error when it failed
};

/// A function behind an endpoint.
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  /// Sets the memory size and makes sure that the next call starts a new instance.
  virtual Result<void> renew(int memory_mb) = 0;
  virtual Result<Invoked> invoke(std::string_view payload) = 0;
};

struct MeasureOptions {
  std::string function;
  std::vector<int> memories = {512, 1024, 1769, 3008};
  std::vector<int> batches = {1};
  std::vector<std::string> payloads = {"{}"};  // taken in turn
  int warm = 30;
  int cold = 10;
  int vcpu_mb = 1769;
};

/// Fields of a REPORT line; kCorrupt when the text has none.
Result<Sample> parseReport(std::string_view log);

/// `items` times the payload as one event: the payload itself for one, {"items":[...]} for more.
std::string batchPayload(std::string_view payload, int items);

/// Measures in rounds: each takes every size once, a cold call and its part of the warm ones, so that what else happens
/// on the machine meanwhile falls on all sizes alike. A failed call ends the measurement with its error. `progress` is
/// told of each finished round.
Result<Profile> measure(Endpoint& endpoint, const MeasureOptions& options, const Clock& clock,
                        const std::function<void(std::string_view)>& progress);

}  // namespace lectern::plan
