#include "plan/price.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/files.h"
#include "base/json.h"
#include "plan/prices/usage.h"

namespace lectern::plan {

namespace {

json::object lineJson(const BillLine& line) {
  return {{"price", line.price_id},
          {"quantity", line.quantity},
          {"unit", line.unit},
          {"unit_usd", line.unit_price.usd()},
          {"free", line.free},
          {"usd", line.amount.usd()},
          {"verified", line.verified},
          {"how", line.how}};
}

std::string usageJson(const PricedUsage& usage) {
  json::array items;
  for (const PricedItem& item : usage.items) {
    json::array lines;
    for (const BillLine& line : item.lines) lines.push_back(lineJson(line));
    items.push_back(json::object{{"service", item.service},
                                 {"book", item.book},
                                 {"duration_usd", item.duration.usd()},
                                 {"request_usd", item.request.usd()},
                                 {"billed_ms", item.billed_ms},
                                 {"total_usd", item.total().usd()},
                                 {"lines", std::move(lines)}});
  }
  json::object root{{"total_usd", usage.total.usd()},
                    {"total_nanodollars", usage.total.nanodollars().value},
                    {"items", std::move(items)}};
  if (!usage.warnings.empty()) {
    json::array warnings;
    for (const std::string& warning : usage.warnings) warnings.emplace_back(warning);
    root["warnings"] = std::move(warnings);
  }
  return toJson(root) + "\n";
}

std::string usageTable(const PricedUsage& usage) {
  std::string text;
  bool unverified = false;
  for (size_t n = 0; n < usage.items.size(); ++n) {
    const PricedItem& item = usage.items[n];
    text += fmt::format("{}. {} ({})\n", n + 1, item.service, item.book);
    for (const BillLine& line : item.lines) {
      text += fmt::format("   {}: {}\n      {:.6f} {} at {} USD", line.price_id, line.how, line.quantity, line.unit,
                          formatMoney(line.unit_price));
      if (line.free > 0) text += fmt::format(", {:.3f} of them free", line.free);
      text += fmt::format(" = {} USD{}\n", formatMoney(line.amount), line.verified ? "" : " *");
      unverified |= !line.verified;
    }
    text += fmt::format("   {} USD\n", formatMoney(item.total()));
  }
  text += fmt::format("total {} USD\n", formatMoney(usage.total));
  for (const std::string& warning : usage.warnings) text += "warning: " + warning + "\n";
  if (unverified) text += "* recalled or computed, not read at the vendor: check it before you rely on it\n";
  return text;
}

}  // namespace

Result<std::string> priceFile(const std::filesystem::path& path, std::string_view book, bool as_json) {
  TRY(const std::string text, readFile(path == "-" ? "/dev/stdin" : path, mebibytes(64)));
  auto root = parseJson(text);
  if (!root) return Failure(root.error().with(path.string()));
  if (!root->is_object()) return fail(Code::kInvalid, path.string() + ": a usage file is a JSON object");
  auto usage = priceUsage(root->get_object(), book);
  if (!usage) return Failure(usage.error().with(path.string()));
  return as_json ? usageJson(*usage) : usageTable(*usage);
}

std::string usageHelp() {
  return
      "  lambda              arch, memory_mb, duration_ms, count, init_ms, packaging, provisioned, ephemeral_mb\n"
      "  lambda-provisioned  arch, memory_mb, concurrency, kept_ms      lambda-snapstart  memory_mb, cached_hours, restores\n"
      "  ec2, gce, azure-vm  type, seconds or hours, count, surplus_vcpu_hours (T2 unlimited)\n"
      "  efs                 gb_month, one_zone_gb_month, ia_gb_month, provisioned_mbps_month, elastic_read_gb, ...\n"
      "  s3                  gb_month, put, get        api-gateway  rest_requests, http_requests\n"
      "  transfer            out_gb, az_gb             step-functions  transitions\n"
      "  cloud-run           vcpu, memory_gib, duration_ms, count, instance_based\n"
      "  cloud-functions, azure-consumption, azure-flex, oracle-functions   memory_mb, duration_ms, count\n"
      "  alibaba-fc, code-engine   vcpu, memory_mb, duration_ms, count\n";
}

std::string listBooks() {
  std::string text;
  for (const std::string& name : bookNames()) {
    const auto book = loadBook(name);
    if (!book) continue;
    const auto verified = std::ranges::count_if(book->prices, &Price::verified);
    text += fmt::format("{:<14} {} {}, prices from {}-{:02}-{:02}, {} of {} verified\n", name, book->vendor,
                        book->region, book->effective.year, book->effective.month, book->effective.day, verified,
                        book->prices.size());
  }
  return text;
}

}  // namespace lectern::plan
