
#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "app/verify_job.h"
#include "base/json.h"
#include "cli/commands.h"
#include "pack/pack.h"

namespace lectern::cli {

namespace {
struct PackArguments {
  pack::PackOptions options;
  bool verify = false, json = false;
};

/// What --verify found, as an array of objects.
json::array verifiedJson(const std::vector<app::Verified>& verified) {
  json::array out;
  for (const auto& v : verified) {
    out.push_back({{"function", v.function}, {"place", v.place}, {"tried", v.tried}, {"same", v.same}, {"detail", v.detail}});
  }
  return out;
}

void printVerified(const app::Verified& v) {
  if (v.same) {
    fmt::print("{}: verified, {}: the same answer\n", v.function, v.place);
  } else {
    fmt::print("{}: {}, {}: {}\n", v.function, v.tried ? "NOT VERIFIED" : "not verified", v.place, v.detail);
  }
}

void printTraced(const pack::PackedFunction& f) {
  if (!f.traced) {
    fmt::print("{}: not traced: that takes a dynamically linked program ('binary') and a recorded event ('event')\n", f.name);
    return;
  }
  std::string names;
  for (const auto& library : *f.traced) {
    const std::string by = library.by.empty() ? "" : " from " + library.by;
    if (library.byPath()) {
      fmt::print("{}: the recorded event loads {} by its path{}: not added, since no target has it there. Put it in with 'files' "
                 "and let the program look below LAMBDA_TASK_ROOT\n", f.name, library.file.string(), by);
      continue;
    }
    fmt::print("{}: the recorded event loads {} ({}) by dlopen{}: added\n", f.name, library.name, library.file.string(), by);
    names += (names.empty() ? "" : ", ") + library.name;
  }
  if (f.traced->empty()) fmt::print("{}: the recorded event loads nothing that is not in the bundle\n", f.name);
  if (names.empty()) return;
  fmt::print("{}: declare what was added, so that every pack has it: custom.lectern.pack.{}.libraries: [{}]\n", f.name,
             f.name, names);
}

int packCommand(const PackArguments& arguments) {
  auto report = pack::pack(arguments.options);
  if (!report) {
    fmt::print(stderr, "lectern pack: {}\n", report.error().message);
    return 1;
  }
  for (const auto& warning : report->warnings) fmt::print(stderr, "{}\n", warning);
  std::vector<app::Verified> verified;
  if (arguments.verify) {
    auto checked = app::verifyBundles(arguments.options.config, *report);
    if (!checked) {
      fmt::print(stderr, "lectern pack: {}\n", checked.error().message);
      return 1;
    }
    verified = std::move(*checked);
  }
  const bool bad = std::any_of(verified.begin(), verified.end(), [](const auto& v) { return v.tried && !v.same; });
  if (arguments.json) {
    json::value out = pack::toJson(*report, arguments.options.costs);
    if (arguments.verify) out.as_object()["verified"] = verifiedJson(verified);
    fmt::print("{}\n", toJson(out));
    return bad ? 1 : 0;
  }
  for (const auto& f : report->functions) {
    if (arguments.options.costs) fmt::print("{}\n{}", f.name, pack::explain(f));
    if (arguments.options.trace) printTraced(f);
    constexpr double kMega = 1e6;
    fmt::print("{}: {} files, {:.1f} MB zipped, {:.1f} MB unzipped, {:.1f} MB before trimming: {}\n", f.name, f.files.size(),
               static_cast<double>(f.zip_bytes) / kMega, static_cast<double>(f.unzipped_bytes) / kMega,
               static_cast<double>(f.untrimmed_bytes) / kMega, f.zip.string());
  }
  for (const auto& v : verified) printVerified(v);
  return bad ? 1 : 0;
}
}  // namespace

void addPack(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("pack",
                                     "Make bundles that run here and on AWS Lambda from a serverless.yml.\n"
                                     "Example: lectern pack --function ocr --explain");
  auto arguments = std::make_shared<PackArguments>();
  command->add_option("--config", arguments->options.config, "serverless.yml")->capture_default_str();
  command->add_option("--function", arguments->options.function, "Only this function");
  command->add_option("--out", arguments->options.out, "Folder for the zips")->capture_default_str();
  command->add_flag("--explain", arguments->options.costs,
                    "Show every file, its size, why it is in or out, and what it would cost to drop it");
  command->add_flag("--trace", arguments->options.trace,
                    "Run each recorded event and add the libraries that it loads by dlopen");
  command->add_flag("--verify", arguments->verify,
                    "Run each bundle on its recorded event in an empty root and in our engine, compare the answers");
  command->add_flag("--json", arguments->json, "Print JSON");
  command->callback([arguments, &status] { status = packCommand(*arguments); });
}

}  // namespace lectern::cli
