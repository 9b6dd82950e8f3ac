#include "policy/metering/metering.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"

namespace lectern::metering {

Rules Rules::at(Date date) {
  Rules rules;
  if (date < Date{2020, 12, 1}) rules.step = Millis(100);
  rules.managed_init_billed = date >= Date{2025, 8, 1};
  return rules;
}

int64_t roundUpMillis(Nanos duration, Nanos step) {
  CHECK(step >= Millis(1) && duration.count() >= 0);
  const int64_t steps = std::max<int64_t>(1, (duration.count() + step.count() - 1) / step.count());
  return steps * (step.count() / 1'000'000);
}

bool initBilled(const Rules& rules, Start start, Packaging packaging) {
  return rules.managed_init_billed || start == Start::kProvisioned || packaging != Packaging::kManagedZip;
}

int64_t billedMillis(const Rules& rules, const Usage& usage) {
  Nanos billed = usage.duration;
  if (usage.init && initBilled(rules, usage.start, usage.packaging)) billed += *usage.init;
  return roundUpMillis(billed, rules.step);
}

int64_t billedRestoreMillis(const Usage& usage) {
  return usage.restore ? roundUpMillis(*usage.restore, Millis(1)) : 0;
}

int64_t mbMillis(int memory_mb, int64_t billed_ms) { return int64_t{memory_mb} * billed_ms; }

std::string formatMillis(Nanos duration) {
  const int64_t hundredths = (duration.count() + 5'000) / 10'000;
  return fmt::format("{}.{:02}", hundredths / 100, hundredths % 100);
}

std::string formatReport(const Report& report) {
  std::string line = fmt::format(
      "REPORT RequestId: {}\tDuration: {} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax Memory Used: {} MB\t",
      report.request_id, formatMillis(report.usage.duration), report.billed_ms, report.memory_mb,
      report.max_memory_used_mb);
  if (report.usage.restore) {
    line += fmt::format("Restore Duration: {} ms\tBilled Restore Duration: {} ms\t",
                        formatMillis(*report.usage.restore), billedRestoreMillis(report.usage));
  } else if (report.usage.init) {
    line += fmt::format("Init Duration: {} ms\t", formatMillis(*report.usage.init));
  }
  if (!report.status.empty()) line += fmt::format("Status: {}\t", report.status);
  if (!report.error_type.empty()) line += fmt::format("Error Type: {}\t", report.error_type);
  line += "\n";
  return line;
}

}  // namespace lectern::metering
