#include <memory>

#include "app/experiment_job.h"
#include "cli/commands.h"

namespace lectern::cli {

void addExperiment(CLI::App& app, int& status) {
  auto o = std::make_shared<app::ExperimentOptions>();
  auto* command = app.add_subcommand("experiment",
                                     "Repeat the paper's figures 3 to 7: measured here, simulated at its scale.\n"
                                     "Example: lectern experiment all --out experiments/today");
  command->add_option("name", o->name, "fig3, fig4, fig5, fig6, fig7 or all")->capture_default_str();
  command->add_option("--out", o->out, "folder for figN.csv, figN.svg and report.html")->capture_default_str();
  command->add_option("--image", o->image, "page that is read")->capture_default_str();
  command->add_option("--detector", o->detector, "ctpn (the paper's), db or auto")->capture_default_str();
  command->add_option("--page-ms", o->page_ms, "do not measure; an image takes this long on one thread");
  command->add_option("--budget", o->budget_s, "seconds for measuring batches")->capture_default_str();
  command->callback([o, &status] {
    const RealClock clock;
    status = app::runExperimentJob(*o, clock);
  });
}

}  // namespace lectern::cli
