#include "pack/pack.h"

#include <fmt/core.h>

#include <memory>

#include "base/json.h"
#include "cli/commands.h"

namespace lectern::cli {

namespace {
struct PackArguments {
  pack::PackOptions options;
  bool explain = false, json = false;
};

int packCommand(const PackArguments& arguments) {
  auto report = pack::pack(arguments.options);
  if (!report) {
    fmt::print(stderr, "lectern pack: {}\n", report.error().message);
    return 1;
  }
  for (const auto& warning : report->warnings) fmt::print(stderr, "{}\n", warning);
  if (arguments.json) {
    fmt::print("{}\n", toJson(pack::toJson(*report)));
    return 0;
  }
  for (const auto& f : report->functions) {
    if (arguments.explain) fmt::print("{}\n{}", f.name, pack::explain(f));
    constexpr double kMega = 1e6;
    fmt::print("{}: {} files, {:.1f} MB zipped, {:.1f} MB unzipped, {:.1f} MB before trimming: {}\n", f.name, f.files.size(),
               static_cast<double>(f.zip_bytes) / kMega, static_cast<double>(f.unzipped_bytes) / kMega,
               static_cast<double>(f.untrimmed_bytes) / kMega, f.zip.string());
  }
  return 0;
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
  command->add_flag("--explain", arguments->explain, "Show every file, its size and why it is in or out");
  command->add_flag("--json", arguments->json, "Print JSON");
  command->callback([arguments, &status] { status = packCommand(*arguments); });
}

}  // namespace lectern::cli
