#include <fmt/core.h>

#include <fstream>
#include <memory>

#include "base/json.h"
#include "cli/commands.h"
#include "engine/cold_start.h"

namespace lectern::cli {
namespace {

struct Arguments {
  engine::ColdStartOptions options;
  bool json = false;
  std::string plot;
};

int coldStart(const Arguments& arguments) {
  std::vector<engine::ColdStartRow> rows;
  if (!arguments.json) {
    fmt::print("{:>8} {:>9} {:>9} {:>12} {:>12} {:>12} {:>11} {:>11}  {}\n", "model MB", "mode", "instances",
               "ready ms", "first ms", "warm ms", "private MB", "shared MB", "isolation");
  }
  auto on_row = [&](const engine::ColdStartRow& row) {
    rows.push_back(row);
    if (arguments.json) {
      json::object line{{"model_mb", row.model_mb},     {"mode", row.mode},
                        {"instances", row.instances},   {"ready_ms_p50", row.ready_ms},
                        {"first_ms_p50", row.first_ms}, {"warm_ms_p50", row.warm_ms},
                        {"private_mb", row.private_mb}, {"shared_mb", row.shared_mb},
                        {"isolation", row.isolation}};
      fmt::print("{}\n", toJson(line));
    } else {
      fmt::print("{:>8} {:>9} {:>9} {:>12.2f} {:>12.2f} {:>12.2f} {:>11.1f} {:>11.1f}  {}\n", row.model_mb, row.mode,
                 row.instances, row.ready_ms, row.first_ms, row.warm_ms, row.private_mb, row.shared_mb, row.isolation);
    }
    fflush(stdout);
  };
  auto on_progress = [](const std::string& text) { fmt::print(stderr, "{}\n", text); };
  if (auto done = engine::runColdStart(arguments.options, on_row, on_progress); !done) {
    fmt::print(stderr, "lectern bench: {}\n", done.error().message);
    return 1;
  }
  if (!arguments.plot.empty()) {
    std::ofstream out(arguments.plot);
    out << engine::coldStartPlot(rows);
    if (!out.flush()) {
      fmt::print(stderr, "lectern bench: {} cannot be written\n", arguments.plot);
      return 1;
    }
  }
  return 0;
}

}  // namespace

void addBench(CLI::App& app, int& status) {
  auto* bench =
      app.add_subcommand("bench", "Measure this machine.\nExample: lectern bench cold-start --models 275,1024");
  bench->require_subcommand(1);
  auto* command = bench->add_subcommand(
      "cold-start",
      "How long functions with large models take to start: as a process, forked, from a snapshot with shared "
      "weights.\n"
      "Model 0 is the echo function, 71 the paper's CTPN with VGG16; the others are matrix products. They are generated with "
      "random\nweights and kept in the cache folder, of their size on disk.\n"
      "A snapshot's weights are the machine's one copy in 2 MB pages, as under `lectern serve`; --own gives each template its "
      "own.\n"
      "Example: lectern bench cold-start --json --models 0,275,1024,4096 --instances 1,40 --plot cold.svg");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("--models", arguments->options.models_mb, "sizes in MB (default 71,275,1024,4096)")
      ->delimiter(',')
      ->check(CLI::Range(0, 16384));
  command->add_option("--instances", arguments->options.instances, "instances alive at once (default 1,40)")
      ->delimiter(',')
      ->check(CLI::Range(1, 500));
  command->add_option("--modes", arguments->options.modes, "which rows (default: all three)")
      ->delimiter(',')
      ->check(CLI::IsMember({"ordinary", "fork", "snapshot"}));
  command->add_flag("!--own", arguments->options.keeper, "snapshot: weights of the template's own, which its instances share");
  command
      ->add_option("--repeats", arguments->options.repeats,
                   "starts of a row (default 20; 1 or 3 where one takes seconds)")
      ->check(CLI::Range(1, 1000));
  command->add_option("--plot", arguments->plot, "also draw the table into this SVG file");
  command->add_flag("--json", arguments->json, "one JSON object a line");
  command->callback([arguments, &status] { status = coldStart(*arguments); });
}

}  // namespace lectern::cli
