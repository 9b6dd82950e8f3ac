#include "pack/deploy.h"

#include <fmt/core.h>

#include <memory>

#include "cli/commands.h"

namespace lectern::cli {

void addDeploy(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("deploy",
                                     "Pack functions and send them to an engine or to AWS Lambda.\n"
                                     "Example: lectern deploy --endpoint http://127.0.0.1:9000");
  auto options = std::make_shared<pack::DeployOptions>();
  command->add_option("--config", options->pack.config, "serverless.yml")->capture_default_str();
  command->add_option("--function", options->pack.function, "Only this function");
  command->add_option("--out", options->pack.out, "Folder for the zips")->capture_default_str();
  command->add_option("--endpoint", options->endpoint, 
                      "Address of the engine, or\nhttps://lambda.REGION.amazonaws.com")->capture_default_str();
  command->callback([options, &status] {
    const RealClock clock;
    auto done = pack::deploy(*options, clock);
    if (!done) {
      fmt::print(stderr, "lectern deploy: {}\n", done.error().message);
      status = 1;
      return;
    }
    for (const auto& f : *done) {
      fmt::print("{}: {}, {} bytes\n", f.name, f.created ? "created" : "updated", f.zip_bytes);
    }
  });
}

}  // namespace lectern::cli
