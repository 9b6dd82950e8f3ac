#pragma once
// Lambda's quotas: those of 2020 (until 2020-12-01) and of today.

#include <optional>
#include <string_view>

#include "base/units.h"

namespace lectern::contract {

enum class Quotas { kCurrent, k2020 };

struct Limits {
  Quotas quotas = Quotas::kCurrent;
  int min_memory_mb = 128;
  int max_memory_mb = 10240;
  int memory_step_mb = 1;
  int mb_per_cpu = 1769;  // memory that comes with one core
  int max_timeout_s = 900;
  int min_tmp_mb = 512;
  int max_tmp_mb = 10240;
  Bytes zipped{52428800};
  Bytes unzipped{262144000};  // code and layers together
  int max_layers = 5;
  int environment_bytes = 4096;
  Bytes sync_payload{6291456};
  Bytes response_payload{6291556};
  Bytes async_payload = mebibytes(1);
  Bytes streamed_response = mebibytes(200);
  bool later_operations = true;  // those that came after 2020-12-01: streaming, URLs, runtime management
  Bytes stream_burst = mebibytes(6);  // of a streamed response without a brake
  Bytes stream_rate = mebibytes(2);   // a second, after that
  Bytes create_request{70167211};
  int max_fds = 1024;
  int max_processes = 1024;
  int account_concurrency = 1000;
  int min_unreserved = 100;
  Nanos init_timeout = Seconds(10);
  Bytes code_storage{80530636800};
  int max_client_context = 3583;
};

Limits limitsFor(Quotas quotas);
std::optional<Quotas> quotasFromName(std::string_view name);

/// Cores that a function of this memory may use.
double cpuShare(const Limits& limits, int memory_mb);
/// Cores that it sees (what thread pools size themselves by), as measured on Lambda.
int visibleCores(int memory_mb);

}  // namespace lectern::contract
