#include <fmt/core.h>

#include <memory>

#include "app/profile_job.h"
#include "base/files.h"
#include "cli/commands.h"

namespace lectern::cli {

void addProfile(CLI::App& app, int& status) {
  auto o = std::make_shared<app::ProfileOptions>();
  auto* command = app.add_subcommand("profile",
                                     "Measure a function at several memory and batch sizes.\n"
                                     "Example: lectern profile ocr --config serverless.yml --memory 512,1024,1769,3008\n"
                                     "  --payload @event.json -o ocr.json");
  command->add_option("function", o->measure.function, "name")->required();
  command->add_option("--memory", o->measure.memories, "MB, a list")->delimiter(',');
  command->add_option("--batch", o->measure.batches, "items a call, a list; above 1 the event is {\"items\":[...]}")
      ->delimiter(',')->check(CLI::PositiveNumber);
  command->add_option("--payload", o->measure.payloads, "JSON or @FILE; several are taken in turn")->take_all();
  command->add_option("--warm", o->measure.warm, "warm calls a size")->capture_default_str();
  command->add_option("--cold", o->measure.cold, "cold calls a size")->capture_default_str();
  auto* config = command->add_option("--config", o->config,
                                     "serverless.yml, served by an engine of its own whose functions get their CPU share\n"
                                     "before other programs; without it a running engine is measured");
  config->check(CLI::ExistingFile);
  command->add_option("--endpoint", o->endpoint, "http://HOST:PORT (default: $AWS_ENDPOINT_URL_LAMBDA)")
      ->excludes(config);
  command->add_option("-o,--out", o->out, "PROFILE.json; the chart is written beside it")->capture_default_str();
  command->callback([o, &status] {
    for (std::string& payload : o->measure.payloads) {
      if (!payload.starts_with('@')) continue;
      auto bytes = readFile(payload.substr(1), mebibytes(64));
      if (!bytes) {
        fmt::print(stderr, "lectern profile: {}\n", bytes.error().message);
        status = 1;
        return;
      }
      payload = std::move(*bytes);
    }
    const RealClock clock;
    status = app::runProfileJob(*o, clock);
  });
}

}  // namespace lectern::cli
