#pragma once
// What Lambda bills for an invocation, by the rules in force on a date. Pure arithmetic on whole nanoseconds.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"

namespace lectern::metering {

/// A day of the calendar, ordered.
struct Date {
  int year = 2026, month = 1, day = 1;
  auto operator<=>(const Date&) const = default;
};

/// How a function's code is packaged: decides whether init was billed before August 2025.
enum class Packaging : uint8_t { kManagedZip, kOsOnlyZip, kImage };

/// What the environment was started for.
enum class Start : uint8_t { kOnDemand, kProvisioned, kSnapshot };

struct Rules {
  Nanos step = Millis(1);          // durations are billed in whole steps, rounded up
  bool managed_init_billed = true;  // init of managed zip functions started on demand is billed

  /// 100 ms steps until 2020-12-01, then 1 ms; init of managed zip functions is billed since 2025-08-01.
  static Rules at(Date date);
};

/// What one invocation used.
struct Usage {
  Nanos duration{0};
  std::optional<Nanos> init;     // this invocation waited for an init phase (not one repeated inside the invocation)
  std::optional<Nanos> restore;  // or for a snapshot's restore
  Start start = Start::kOnDemand;
  Packaging packaging = Packaging::kOsOnlyZip;
};

/// `duration` in whole steps, rounded up, at least one step, in milliseconds.
int64_t roundUpMillis(Nanos duration, Nanos step);

/// Whether the rules bill the init phase of such an environment.
bool initBilled(const Rules& rules, Start start, Packaging packaging);

/// Milliseconds on the bill: duration and, where it is billed, init, rounded up together.
int64_t billedMillis(const Rules& rules, const Usage& usage);

/// Milliseconds of a restore on the bill, rounded up to whole milliseconds.
int64_t billedRestoreMillis(const Usage& usage);

/// Memory time of a bill in MB-milliseconds (1 GB-s = 1024 * 1000 of them): exact.
int64_t mbMillis(int memory_mb, int64_t billed_ms);

/// The fields of Lambda's REPORT line.
struct Report {
  std::string_view request_id;
  Usage usage;
  int64_t billed_ms = 0;
  int memory_mb = 0;
  int max_memory_used_mb = 0;
  std::string_view status;      // "" when all went well, else "timeout" or "error"
  std::string_view error_type;  // "" unless status is "error"
};

/// One line with real tabs and a final newline, field for field as Lambda writes it; durations with two decimals.
std::string formatReport(const Report& report);

/// "3.01": milliseconds with two decimals, rounded half up.
std::string formatMillis(Nanos duration);

}  // namespace lectern::metering
