#include "plan/prices/usage.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>

#include "policy/metering/metering.h"

namespace lectern::plan {

namespace {

using metering::Rules;

/// One item while it is priced: its fields, the bill of its book, what it costs so far.
struct Item {
  const json::object& fields;
  Bill& bill;
  PricedItem priced;
};

Result<double> number(const json::object& fields, std::string_view key, double otherwise, double least,
                      double most = 1e15) {
  const json::value* value = fields.if_contains(key);
  double got = otherwise;
  if (value != nullptr) {
    if (!value->is_number()) return fail(Code::kInvalid, fmt::format("{} is no number", key));
    got = value->to_number<double>();
  } else if (std::isnan(otherwise)) {
    return fail(Code::kInvalid, fmt::format("{} is missing", key));
  }
  if (!(got >= least && got <= most)) {
    return fail(Code::kInvalid, fmt::format("{} is {}, it must lie between {} and {}", key, got, least, most));
  }
  return got;
}

constexpr double kRequired = NAN;

Result<int64_t> whole(const json::object& fields, std::string_view key, double otherwise, double least,
                      double most = 1e15) {
  TRY(const double value, number(fields, key, otherwise, least, most));
  if (value != std::floor(value)) return fail(Code::kInvalid, fmt::format("{} is {}, no whole number", key, value));
  return static_cast<int64_t>(value);
}

/// Milliseconds of a file as whole nanoseconds, so that 1300.01 is above 1300.
Result<Nanos> millis(const json::object& fields, std::string_view key, double otherwise) {
  TRY(const double value, number(fields, key, otherwise, 0, 1e12));
  return Nanos(std::llround(value * 1e6));
}

Result<void> charge(Item& item, Money PricedItem::*part, std::string_view price, Quantity quantity, std::string how) {
  TRY(const Money amount, item.bill.charge(price, quantity, std::move(how)));
  item.priced.*part += amount;
  return {};
}
constexpr auto kDuration = &PricedItem::duration;
constexpr auto kRequest = &PricedItem::request;

Result<metering::Usage> lambdaUsage(const json::object& f) {
  metering::Usage usage;
  TRY(usage.duration, millis(f, "duration_ms", kRequired));
  if (f.contains("init_ms")) {
    TRY(usage.init, millis(f, "init_ms", 0));
  }
  if (f.contains("restore_ms")) {
    TRY(usage.restore, millis(f, "restore_ms", 0));
  }
  const std::string packaging = stringOr(f, "packaging", "os-only");
  if (packaging == "managed-zip") {
    usage.packaging = metering::Packaging::kManagedZip;
  } else if (packaging == "image") {
    usage.packaging = metering::Packaging::kImage;
  } else if (packaging != "os-only") {
    return fail(Code::kInvalid, "packaging is \"os-only\", \"managed-zip\" or \"image\"");
  }
  if (boolOr(f, "provisioned", false)) usage.start = metering::Start::kProvisioned;
  return usage;
}

Result<void> priceLambda(Item& item) {
  const json::object& f = item.fields;
  const std::string arch = stringOr(f, "arch", "x86_64");
  TRY(const int64_t memory, whole(f, "memory_mb", kRequired, 128, 10'240));
  TRY(const int64_t count, whole(f, "count", 1, 0));
  TRY(const int64_t disk, whole(f, "ephemeral_mb", 512, 512, 10'240));
  TRY(const double streamed, number(f, "streamed_gb", 0, 0));
  TRY(const metering::Usage usage, lambdaUsage(f));
  const Rules rules = Rules::at(item.bill.book().as_of);
  const int64_t billed = metering::billedMillis(rules, usage) + metering::billedRestoreMillis(usage);
  item.priced.billed_ms = billed;
  const bool provisioned = usage.start == metering::Start::kProvisioned;
  const std::string price = (provisioned ? "lambda.provisioned.duration." : "lambda.duration.") + arch;
  TRY_VOID(charge(item, kDuration, price, gbSeconds(Int128{memory} * billed * count),
                  fmt::format("{} calls x {} ms (rounded up to {} ms steps) x {} MB / 1024", count, billed,
                              rules.step.count() / 1'000'000, memory)));
  if (disk > 512) {
    TRY_VOID(charge(item, kDuration, "lambda.ephemeral", gbSeconds(Int128{disk - 512} * billed * count),
                    fmt::format("{} calls x {} ms x {} MB of /tmp above 512", count, billed, disk - 512)));
  }
  if (usage.restore && item.bill.book().find("lambda.snapstart.restore") != nullptr && boolOr(f, "snapstart", false)) {
    TRY_VOID(charge(item, kDuration, "lambda.snapstart.restore", {Int128{memory} * count, 1024},
                    fmt::format("{} restores of {} MB", count, memory)));
  }
  if (streamed > 0) {
    TRY_VOID(charge(item, kDuration, "lambda.streaming", quantityOf(streamed), "streamed beyond 6 MB a response"));
  }
  return charge(item, kRequest, "lambda.requests", units(count), fmt::format("{} calls", count));
}

Result<void> priceLambdaProvisioned(Item& item) {
  const json::object& f = item.fields;
  TRY(const int64_t memory, whole(f, "memory_mb", kRequired, 128, 10'240));
  TRY(const int64_t instances, whole(f, "concurrency", kRequired, 0, 1e6));
  TRY(const Nanos kept, millis(f, "kept_ms", kRequired));
  constexpr int64_t kStep = 300'000;
  const int64_t billed = (metering::roundUpMillis(kept, Millis(1)) + kStep - 1) / kStep * kStep;
  item.priced.billed_ms = billed;
  return charge(item, kDuration, "lambda.provisioned.kept." + stringOr(f, "arch", "x86_64"),
                gbSeconds(Int128{memory} * billed * instances),
                fmt::format("{} instances x {} s (rounded up to 5 minutes) x {} MB", instances, billed / 1000, memory));
}

Result<void> priceSnapStart(Item& item) {
  const json::object& f = item.fields;
  TRY(const int64_t memory, whole(f, "memory_mb", kRequired, 128, 10'240));
  TRY(const double hours, number(f, "cached_hours", 3, 0));
  TRY(const int64_t restores, whole(f, "restores", 0, 0));
  const double billed = std::max(hours, 3.0);
  TRY_VOID(charge(item, kDuration, "lambda.snapstart.cache",
                  gbSeconds(Int128{memory} * std::llround(billed * 3'600'000)),
                  fmt::format("{} MB cached for {} h (at least 3)", memory, billed)));
  return charge(item, kRequest, "lambda.snapstart.restore", {Int128{memory} * restores, 1024},
                fmt::format("{} restores of {} MB", restores, memory));
}

/// Services whose price is amount times unit price: each field is charged to one price.
struct Simple {
  std::string_view service, field, price;
  Money PricedItem::*part;
};
constexpr std::array kSimple = {
    Simple{"efs", "gb_month", "efs.standard", kDuration},
    Simple{"efs", "one_zone_gb_month", "efs.one_zone", kDuration},
    Simple{"efs", "ia_gb_month", "efs.ia", kDuration},
    Simple{"efs", "ia_access_gb", "efs.ia_access", kRequest},
    Simple{"efs", "provisioned_mbps_month", "efs.provisioned_throughput", kDuration},
    Simple{"efs", "elastic_read_gb", "efs.elastic_read", kRequest},
    Simple{"efs", "elastic_write_gb", "efs.elastic_write", kRequest},
    Simple{"s3", "gb_month", "s3.standard", kDuration},
    Simple{"s3", "put", "s3.put", kRequest},
    Simple{"s3", "get", "s3.get", kRequest},
    Simple{"api-gateway", "rest_requests", "gateway.rest", kRequest},
    Simple{"api-gateway", "http_requests", "gateway.http", kRequest},
    Simple{"transfer", "out_gb", "transfer.out", kDuration},
    Simple{"transfer", "az_gb", "transfer.az", kDuration},
    Simple{"step-functions", "transitions", "stepfunctions.transition", kRequest},
    Simple{"functiongraph", "requests", "functiongraph.requests", kRequest},
};

Result<void> priceSimple(Item& item, std::string_view service) {
  bool any = false;
  for (const Simple& each : kSimple) {
    if (each.service != service || !item.fields.contains(each.field)) continue;
    TRY(const double amount, number(item.fields, each.field, kRequired, 0));
    TRY_VOID(charge(item, each.part, each.price, quantityOf(amount), std::string(each.field)));
    any = true;
  }
  if (!any) return fail(Code::kInvalid, fmt::format("{} needs one of its fields", service));
  return {};
}

Result<void> priceVm(Item& item, std::string_view family) {
  const json::object& f = item.fields;
  TRY(const int64_t count, whole(f, "count", 1, 0));
  TRY(const double seconds, number(f, "seconds", number(f, "hours", 0, 0).value_or(0) * 3600, 0));
  TRY(const double surplus, number(f, "surplus_vcpu_hours", 0, 0));
  const std::string type = stringOr(f, "type", "");
  const int64_t least = seconds > 0 ? 60'000 : 0;
  const int64_t billed = std::max<int64_t>(least, static_cast<int64_t>(std::ceil(seconds)) * 1000);
  item.priced.billed_ms = billed;
  TRY_VOID(charge(item, kDuration, fmt::format("{}.{}", family, type), hoursOfMillis(Int128{billed} * count),
                  fmt::format("{} x {} s (by the second, at least 60)", count, billed / 1000)));
  if (surplus > 0) {
    return charge(item, kDuration, "ec2.t2.unlimited", quantityOf(surplus), "above the T2 baseline");
  }
  return {};
}

Result<void> priceCloudRun(Item& item) {
  const json::object& f = item.fields;
  TRY(const double vcpu, number(f, "vcpu", 1, 0.08, 8));
  TRY(const double memory, number(f, "memory_gib", kRequired, 0.125, 32));
  TRY(const int64_t count, whole(f, "count", 1, 0));
  const bool always = boolOr(f, "instance_based", false);
  // With several requests at a time in an instance the caller gives the union of their intervals as the duration.
  TRY(const Nanos duration, millis(f, "duration_ms", kRequired));
  const int64_t billed = metering::roundUpMillis(duration, Millis(100));
  item.priced.billed_ms = billed;
  const std::string base = always ? "run.instance." : "run.";
  const auto thousandfold = [&](double amount) { return Int128{std::llround(amount * 1000)} * billed * count; };
  const std::string how = fmt::format("{} x {} ms (rounded up to 100 ms)", count, billed);
  TRY_VOID(charge(item, kDuration, base + "vcpu", {thousandfold(vcpu), 1'000'000}, how + fmt::format(" x {} vCPU", vcpu)));
  TRY_VOID(charge(item, kDuration, base + "memory", {thousandfold(memory), 1'000'000},
                  how + fmt::format(" x {} GiB", memory)));
  if (always) return {};
  return charge(item, kRequest, "run.requests", units(count), fmt::format("{} requests", count));
}

Result<void> priceCloudFunctions(Item& item) {
  const json::object& f = item.fields;
  struct Size {
    int64_t memory_mb, megahertz;
  };
  constexpr std::array kSizes = {Size{128, 200},   Size{256, 400},   Size{512, 800}, Size{1024, 1400},
                                 Size{2048, 2400}, Size{4096, 4800}, Size{8192, 4800}};
  TRY(const int64_t memory, whole(f, "memory_mb", kRequired, 128, 8192));
  TRY(const int64_t count, whole(f, "count", 1, 0));
  TRY(const Nanos duration, millis(f, "duration_ms", kRequired));
  const auto size = std::ranges::find(kSizes, memory, &Size::memory_mb);
  if (size == kSizes.end()) return fail(Code::kInvalid, "memory_mb is 128, 256, 512, 1024, 2048, 4096 or 8192");
  const int64_t billed = metering::roundUpMillis(duration, Millis(100));
  item.priced.billed_ms = billed;
  const std::string how = fmt::format("{} x {} ms (rounded up to 100 ms)", count, billed);
  TRY_VOID(charge(item, kDuration, "functions1.gbs", gbSeconds(Int128{memory} * billed * count), how));
  TRY_VOID(charge(item, kDuration, "functions1.ghzs", {Int128{size->megahertz} * billed * count, 1'000'000}, how));
  return charge(item, kRequest, "functions1.requests", units(count), fmt::format("{} calls", count));
}

Result<void> priceAzure(Item& item) {
  const json::object& f = item.fields;
  TRY(const int64_t used, whole(f, "memory_mb", kRequired, 1, 1536));
  TRY(const int64_t count, whole(f, "count", 1, 0));
  TRY(const Nanos duration, millis(f, "duration_ms", kRequired));
  const int64_t memory = std::max<int64_t>(128, (used + 127) / 128 * 128);
  const int64_t billed = std::max<int64_t>(100, metering::roundUpMillis(duration, Millis(1)));
  item.priced.billed_ms = billed;
  TRY_VOID(charge(item, kDuration, "consumption.duration", gbSeconds(Int128{memory} * billed * count),
                  fmt::format("{} x {} ms (at least 100) x {} MB (used, in steps of 128)", count, billed, memory)));
  return charge(item, kRequest, "consumption.requests", units(count), fmt::format("{} executions", count));
}

Result<void> priceAzureFlex(Item& item) {
  const json::object& f = item.fields;
  TRY(const int64_t memory, whole(f, "memory_mb", kRequired, 512, 4096));
  if (memory != 512 && memory != 2048 && memory != 4096) return fail(Code::kInvalid, "memory_mb is 512, 2048 or 4096");
  TRY(const int64_t count, whole(f, "count", 1, 0));
  TRY(const Nanos duration, millis(f, "duration_ms", kRequired));
  const int64_t billed = std::max<int64_t>(1000, metering::roundUpMillis(duration, Millis(1)));
  item.priced.billed_ms = billed;
  TRY_VOID(charge(item, kDuration, "flex.duration", gbSeconds(Int128{memory} * billed * count),
                  fmt::format("{} active periods x {} ms (at least 1000) x {} MB", count, billed, memory)));
  return charge(item, kRequest, "flex.requests", units(count), fmt::format("{} executions", count));
}

Result<void> priceAlibaba(Item& item) {
  const json::object& f = item.fields;
  TRY(const double vcpu, number(f, "vcpu", kRequired, 0.05, 16));
  TRY(const int64_t memory, whole(f, "memory_mb", kRequired, 128, 32'768));
  TRY(const int64_t disk, whole(f, "ephemeral_mb", 512, 512, 10'240));
  TRY(const int64_t count, whole(f, "count", 1, 0));
  TRY(const Nanos duration, millis(f, "duration_ms", kRequired));
  const int64_t billed = metering::roundUpMillis(duration, Millis(1));
  item.priced.billed_ms = billed;
  const Int128 time = Int128{billed} * count;
  // Everything is converted to compute units first; conversions are listed in the book beside the price of a unit.
  const std::array<std::pair<std::string_view, Quantity>, 4> parts = {{
      {"fc.vcpu", {Int128{std::llround(vcpu * 1000)} * time, 1'000'000}},
      {"fc.memory", gbSeconds(memory * time)},
      {"fc.disk", gbSeconds((disk - 512) * time)},
      {"fc.invocation", units(count)},
  }};
  for (const auto& [id, quantity] : parts) {
    const Price* conversion = item.bill.book().find(id);
    if (conversion == nullptr) return fail(Code::kNotFound, fmt::format("the book has no conversion {}", id));
    const Money compute_units = times(conversion->tiers[0].price, quantity);
    constexpr Int128 kMillionth = 1'000'000'000'000'000'000;
    TRY_VOID(charge(item, id == "fc.invocation" ? kRequest : kDuration, "fc.cu",
                    {compute_units.value / kMillionth, 1'000'000}, std::string(id) + " in compute units"));
  }
  return {};
}

Result<void> priceOther(Item& item, std::string_view service) {
  const json::object& f = item.fields;
  TRY(const int64_t memory, whole(f, "memory_mb", kRequired, 1, 65'536));
  TRY(const double vcpu, number(f, "vcpu", 1, 0, 16));
  TRY(const int64_t count, whole(f, "count", 1, 0));
  TRY(const Nanos duration, millis(f, "duration_ms", kRequired));
  const int64_t billed = metering::roundUpMillis(duration, Millis(1));
  item.priced.billed_ms = billed;
  const std::string how = fmt::format("{} x {} ms", count, billed);
  if (service == "oracle-functions") {
    TRY_VOID(charge(item, kDuration, "oracle.duration", gbSeconds(Int128{memory} * billed * count), how));
    return charge(item, kRequest, "oracle.requests", units(count), "calls");
  }
  TRY_VOID(charge(item, kDuration, "codeengine.vcpu", {Int128{std::llround(vcpu * 1000)} * billed * count, 1'000'000}, how));
  TRY_VOID(charge(item, kDuration, "codeengine.memory", gbSeconds(Int128{memory} * billed * count), how));
  return charge(item, kRequest, "codeengine.requests", units(count), "calls");
}

Result<void> priceItem(Item& item) {
  const std::string& service = item.priced.service;
  if (service == "lambda") return priceLambda(item);
  if (service == "lambda-provisioned") return priceLambdaProvisioned(item);
  if (service == "lambda-snapstart") return priceSnapStart(item);
  if (service == "ec2") return priceVm(item, "ec2");
  if (service == "gce") return priceVm(item, "gce");
  if (service == "azure-vm") return priceVm(item, "vm");
  if (service == "cloud-run") return priceCloudRun(item);
  if (service == "cloud-functions") return priceCloudFunctions(item);
  if (service == "azure-consumption") return priceAzure(item);
  if (service == "azure-flex") return priceAzureFlex(item);
  if (service == "alibaba-fc") return priceAlibaba(item);
  if (service == "code-engine" || service == "oracle-functions") return priceOther(item, service);
  if (std::ranges::find(kSimple, service, &Simple::service) != kSimple.end()) return priceSimple(item, service);
  return fail(Code::kInvalid, fmt::format("unknown service \"{}\"; `lectern price --help` lists them", service));
}

bool knownField(std::string_view key) {
  static constexpr std::string_view kFields[] = {
      "arch", "book", "cached_hours", "concurrency", "count", "duration_ms", "ephemeral_mb", "hours", "init_ms",
      "instance_based", "kept_ms", "memory_gib", "memory_mb", "name", "packaging", "provisioned", "restore_ms",
      "restores", "seconds", "service", "snapstart", "streamed_gb", "surplus_vcpu_hours", "type", "vcpu"};
  return std::ranges::find(kFields, key) != std::end(kFields) ||
         std::ranges::find(kSimple, key, &Simple::field) != kSimple.end();
}

std::string_view usualBook(std::string_view service) {
  if (service == "cloud-run" || service == "cloud-functions" || service == "gce") return "google-2026";
  if (service.starts_with("azure")) return "azure-2026";
  if (service == "alibaba-fc") return "alibaba-2026";
  if (service == "code-engine" || service == "oracle-functions" || service == "functiongraph") return "others-2026";
  return "aws-2026";
}

struct OpenBook {
  PriceBook book;
  std::unique_ptr<Bill> bill;
};

}  // namespace

Result<PricedUsage> priceUsage(const json::object& usage, std::string_view book) {
  const json::value* items = usage.if_contains("items");
  if (items == nullptr || !items->is_array()) return fail(Code::kInvalid, "a usage file needs \"items\": [...]");
  const std::string common = book.empty() ? stringOr(usage, "book", "") : std::string(book);
  const bool free_tier = boolOr(usage, "free_tier", false);
  if (!common.empty()) TRY_VOID(loadBook(common));
  std::map<std::string, OpenBook> books;
  PricedUsage priced;
  for (size_t n = 0; n < items->get_array().size(); ++n) {
    const json::value& each = items->get_array()[n];
    const std::string place = fmt::format("items[{}]", n);
    if (!each.is_object()) return fail(Code::kInvalid, place + " is no object");
    const json::object& fields = each.get_object();
    const std::string service = stringOr(fields, "service", "");
    for (const auto& [key, value] : fields) {
      if (!knownField(key)) priced.warnings.push_back(fmt::format("{}: no service has a field {}", place, toJson(key)));
    }
    std::string name = stringOr(fields, "book", common);
    if (name.empty()) name = usualBook(service);
    OpenBook& open = books[name];
    if (!open.bill) {
      auto loaded = loadBook(name);
      if (!loaded) return Failure(loaded.error().with(place));
      open.book = std::move(*loaded);
      open.bill = std::make_unique<Bill>(open.book, free_tier);
    }
    const size_t first_line = open.bill->lines().size();
    Item item{fields, *open.bill, {}};
    item.priced.service = service;
    item.priced.book = name;
    if (auto done = priceItem(item); !done) return Failure(done.error().with(place));
    item.priced.lines.assign(open.bill->lines().begin() + static_cast<std::ptrdiff_t>(first_line),
                             open.bill->lines().end());
    priced.total += item.priced.total();
    priced.items.push_back(std::move(item.priced));
  }
  return priced;
}

}  // namespace lectern::plan
