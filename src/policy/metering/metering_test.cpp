#include "policy/metering/metering.h"

#include <gtest/gtest.h>

namespace lectern::metering {
namespace {

Usage lasting(Nanos duration) {
  Usage usage;
  usage.duration = duration;
  return usage;
}

TEST(Metering, StepsOfThePast) {
  const Rules old = Rules::at({2020, 11, 30});
  const Rules now = Rules::at({2026, 1, 1});
  EXPECT_EQ(billedMillis(old, lasting(Millis(1234))), 1300);
  EXPECT_EQ(billedMillis(now, lasting(Millis(1234))), 1234);
  EXPECT_EQ(billedMillis(old, lasting(Millis(1300))), 1300);
  EXPECT_EQ(billedMillis(old, lasting(Micros(1'300'010))), 1400);
  EXPECT_EQ(billedMillis(now, lasting(Micros(1'300'010))), 1301);
  EXPECT_EQ(billedMillis(now, lasting(Nanos(1))), 1);
  EXPECT_EQ(billedMillis(now, lasting(Nanos(0))), 1);
  EXPECT_EQ(billedMillis(old, lasting(Millis(1))), 100);
}

TEST(Metering, InitIsBilledByDateAndPackaging) {
  Usage usage = lasting(Micros(237'170));
  usage.init = Micros(48'260);
  // The documentation's own sample of 100 ms steps: 48.26 + 237.17 -> 300.
  EXPECT_EQ(billedMillis(Rules::at({2020, 6, 1}), usage), 300);
  usage.init = Micros(148'260);
  EXPECT_EQ(billedMillis(Rules::at({2020, 6, 1}), usage), 400);
  usage.packaging = Packaging::kManagedZip;
  EXPECT_EQ(billedMillis(Rules::at({2020, 6, 1}), usage), 300);
  EXPECT_EQ(billedMillis(Rules::at({2025, 7, 31}), usage), 238);
  EXPECT_EQ(billedMillis(Rules::at({2025, 8, 1}), usage), 386);
  usage.start = Start::kProvisioned;
  EXPECT_EQ(billedMillis(Rules::at({2025, 7, 31}), usage), 386);
}

TEST(Metering, ReportLineAsRecorded) {
  Report report{.request_id = "id", .usage = lasting(Micros(2'900)), .billed_ms = 3, .memory_mb = 128,
                .max_memory_used_mb = 36};
  EXPECT_EQ(formatReport(report),
            "REPORT RequestId: id\tDuration: 2.90 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\t"
            "Max Memory Used: 36 MB\t\n");
  report.usage.duration = Micros(3'010);
  report.usage.init = Micros(110'100);
  report.billed_ms = 4;
  EXPECT_EQ(formatReport(report),
            "REPORT RequestId: id\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\t"
            "Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t\n");
  report.usage.init.reset();
  report.usage.restore = Nanos(5'004'999);
  report.status = "timeout";
  EXPECT_EQ(formatReport(report),
            "REPORT RequestId: id\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\t"
            "Max Memory Used: 36 MB\tRestore Duration: 5.00 ms\tBilled Restore Duration: 6 ms\tStatus: timeout\t\n");
}

TEST(Metering, BilledIsNeverBelowUsed) {
  for (const Date date : {Date{2020, 1, 1}, Date{2026, 1, 1}}) {
    const Rules rules = Rules::at(date);
    for (int64_t nanos = 1; nanos < 1'000'000'000; nanos = nanos * 3 + 7) {
      const int64_t billed = billedMillis(rules, lasting(Nanos(nanos)));
      EXPECT_GE(billed * 1'000'000, nanos);
      EXPECT_LT(billed * 1'000'000 - nanos, rules.step.count());
    }
  }
}

}  // namespace
}  // namespace lectern::metering
