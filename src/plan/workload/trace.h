#pragma once
// Recorded workloads. The header line says which format a file has; docs/ and errors name them all.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lectern::plan {

/// One request. 16 bytes, because simulations hold millions of them.
struct Arrival {
  int64_t t_nanos = 0;  // from the start of the trace
  float work_ms = -1;   // recorded service time; below zero when unknown
  uint32_t function = 0;
};

/// What a recorded run of a real platform says beside its arrivals.
struct Recorded {
  int64_t cold = 0;                      // cold starts it counted
  std::vector<float> warm_ms;            // service times of warm calls
  std::vector<float> warm_overhead_ms;   // client time less service time, warm
  std::vector<float> cold_overhead_ms;   // the same of cold calls
  double cold_extra_ms = 0;              // how much longer a cold call's service took (medians)
  std::vector<float> client_ms;          // what clients saw, all calls
  int max_memory_mb = 0;
};

struct Trace {
  std::string name;
  std::vector<Arrival> arrivals;  // in order of time
  uint32_t functions = 1;
  std::optional<Recorded> recorded;
  double seconds() const { return arrivals.empty() ? 0 : static_cast<double>(arrivals.back().t_nanos) / 1e9; }
};

/// Parses a trace. Formats, by header:
///   t_s,cold,instance,duration_ms,billed_ms,max_mem_mb,client_ms   a recorded run of AWS Lambda
///   t_s,context_tokens,generated_tokens                            LLM requests: work is proportional to tokens
///   start_s,duration_s,app,function                                one row an invocation
///   app,func,end_timestamp,duration                                Azure Functions 2021
///   function,avg_ms,min1,...                                       counts a minute with mean durations
///   HashOwner,HashApp,HashFunction,Trigger,1,2,...                 Azure Functions 2019: counts a minute
///   t_s[,duration_ms][,function]                                   anything else
/// Counts a minute are spread evenly at random under `seed`. An empty field is a value that is not known; one that cannot
/// be read is kInvalid with "FILE:LINE: ".
Result<Trace> parseTrace(std::string_view text, std::string_view name, uint64_t seed);
Result<Trace> readTrace(const std::filesystem::path& path, uint64_t seed);

}  // namespace lectern::plan
