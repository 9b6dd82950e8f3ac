#include "contract/limits.h"

namespace lectern::contract {

Limits limitsFor(Quotas quotas) {
  Limits limits;
  limits.quotas = quotas;
  if (quotas == Quotas::k2020) {
    limits.max_memory_mb = 3008;
    limits.memory_step_mb = 64;
    limits.mb_per_cpu = 1792;
    limits.max_tmp_mb = 512;
    limits.async_payload = kibibytes(256);
    limits.later_operations = false;
  }
  return limits;
}

std::optional<Quotas> quotasFromName(std::string_view name) {
  if (name == "current") return Quotas::kCurrent;
  if (name == "2020") return Quotas::k2020;
  return std::nullopt;
}

double cpuShare(const Limits& limits, int memory_mb) { return double(memory_mb) / limits.mb_per_cpu; }

int visibleCores(int memory_mb) {
  if (memory_mb <= 3008) return 2;
  if (memory_mb <= 5307) return 3;
  if (memory_mb <= 7076) return 4;
  if (memory_mb <= 8845) return 5;
  return 6;
}

}  // namespace lectern::contract
