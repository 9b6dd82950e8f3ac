#include "plan/profile/measure.h"

#include <fmt/core.h>

#include <charconv>
#include <cmath>
#include <map>
#include <thread>
#include <utility>

namespace lectern::plan {

namespace {

/// The number after `name` in a REPORT line; NaN when it is not there.
double fieldOf(std::string_view line, std::string_view name) {
  const size_t at = line.find(name);
  if (at == std::string_view::npos) return NAN;
  const std::string_view rest = line.substr(at + name.size());
  double value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  return error == std::errc() && end != rest.data() ? value : NAN;
}

}  // namespace

Result<Sample> parseReport(std::string_view log) {
  const size_t at = log.rfind("REPORT RequestId");
  if (at == std::string_view::npos) return fail(Code::kCorrupt, "the log of the call has no REPORT line");
  const std::string_view line = log.substr(at, log.find('\n', at) - at);
  Sample sample;
  // "Billed Duration" and "Init Duration" hold the same word: the plain one follows a tab.
  sample.duration_ms = fieldOf(line, "\tDuration: ");
  if (std::isnan(sample.duration_ms)) return fail(Code::kCorrupt, "the REPORT line has no Duration");
  const double init = fieldOf(line, "Init Duration: ");
  const double restore = fieldOf(line, "\tRestore Duration: ");
  sample.cold = !std::isnan(init) || !std::isnan(restore);
  if (!std::isnan(init)) sample.init_ms = init;
  if (!std::isnan(restore)) sample.init_ms = restore;
  const double memory = fieldOf(line, "Max Memory Used: ");
  if (!std::isnan(memory)) sample.max_memory_mb = static_cast<int>(memory);
  return sample;
}

std::string batchPayload(std::string_view payload, int items) {
  if (items == 1) return std::string(payload);
  std::string text = "{\"items\":[";
  for (int n = 0; n < items; ++n) {
    if (n > 0) text += ',';
    text += payload;
  }
  return text + "]}";
}

Result<Profile> measure(Endpoint& endpoint, const MeasureOptions& options, const Clock& clock,
                        const std::function<void(std::string_view)>& progress) {
  Profile profile;
  profile.function = options.function;
  profile.vcpu_mb = options.vcpu_mb;
  profile.cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  std::map<std::pair<int, int>, size_t> turns;  // by size, so that every size gets the same payloads
  const auto call = [&](int memory, int batch) -> Result<void> {
    const std::string payload = batchPayload(options.payloads[turns[{memory, batch}]++ % options.payloads.size()], batch);
    const SteadyTime sent = clock.now();
    TRY(const Invoked invoked, endpoint.invoke(payload));
    const Nanos passed = clock.now() - sent;
    if (invoked.failed) {
      return fail(Code::kUnavailable, fmt::format("the function failed at {} MB: {}", memory,
                                                  invoked.payload.substr(0, 300)));
    }
    TRY(Sample sample, parseReport(invoked.log_tail));
    sample.memory_mb = memory;
    sample.batch = batch;
    sample.client_ms = static_cast<double>(passed.count()) / 1e6;
    profile.samples.push_back(sample);
    return {};
  };
  const int rounds = std::max(1, options.cold);
  for (int round = 0; round < rounds; ++round) {
    const int warm = options.warm * (round + 1) / rounds - options.warm * round / rounds;
    for (const int memory : options.memories) {
      for (const int batch : options.batches) {
        TRY_VOID(endpoint.renew(memory));
        for (int n = 0; n < 1 + warm; ++n) TRY_VOID(call(memory, batch));
      }
    }
    progress(fmt::format("round {} of {}: {} sizes, 1 cold and {} warm calls each", round + 1, rounds,
                         options.memories.size() * options.batches.size(), warm));
  }
  return profile;
}

}  // namespace lectern::plan
