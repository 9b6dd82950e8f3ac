#include "plan/plan.h"

#include <fmt/core.h>

#include <memory>

#include "cli/commands.h"

namespace lectern::cli {

void addPlan(CLI::App& app, int& status) {
  auto o = std::make_shared<plan::PlanOptions>();
  plan::SimulateOptions& w = o->workload;
  auto* command = app.add_subcommand(
      "plan",
      "Say what to deploy for a workload: memory, batch, provisioned concurrency, function or machine.\n"
      "Example: lectern plan --poisson 2 --profile ocr.json --p95-ms 2000 --machine c7g.large");
  command->add_option("--trace", w.trace, "recorded workload (CSV)");
  command->add_option("--poisson", w.poisson_rate, "Poisson arrivals, a second")->check(CLI::PositiveNumber);
  command->add_option("--burst", w.burst, "requests at once")->check(CLI::PositiveNumber);
  command->add_option("--every", w.every_s, "seconds between bursts")->capture_default_str();
  command->add_option("--seconds", w.seconds, "how long arrivals go on")->capture_default_str();
  command->add_option("--profile", w.profile, "PROFILE.json of lectern profile");
  command->add_option("--service-ms", w.service_ms, "without a profile: time of an item on one vCPU");
  command->add_option("--per-item-ms", w.per_item_ms, "of each further item of a batch");
  command->add_option("--init-ms", w.init_ms, "init of the function");
  command->add_option("--model-mib", w.model_mib, "read from the shared file system by a new instance");
  command->add_option("--efs-client-mib-s", w.efs_client_mib_s, "file system with bursting throughput: one instance at most")
      ->check(CLI::PositiveNumber);
  command->add_option("--efs-total-mib-s", w.efs_total_mib_s,
                      "the same, all together (default: elastic throughput; bursting, 300 MiB/s, with the rules of 2020)")
      ->check(CLI::PositiveNumber);
  command->add_option("--policy", w.policy, "lambda2020, lambda2026, fixed:SECONDS, histogram")->capture_default_str();
  command->add_option("--arch", w.arch)->capture_default_str();
  command->add_option("--book", w.book, "price book");
  command->add_option("--p95-ms", o->p95_limit_ms, "objective: p95 within this, cheapest")->check(CLI::PositiveNumber);
  command->add_option("--memory", o->memories, "MB, a list (default: 512,1024,1769,3008)")->delimiter(',');
  command->add_option("--batch", o->batches, "items a call, a list (default: 1,4,16)")
      ->delimiter(',')->check(CLI::PositiveNumber);
  command->add_option("--batch-wait-ms", o->batch_wait_ms)->capture_default_str();
  command->add_option("--provisioned", o->provisioned, "a list")->delimiter(',');
  command->add_option("--machine", o->machines, "a list, as c7g.large or 3xc7g.large")->delimiter(',');
  command->add_option("--seed", w.seed)->capture_default_str();
  command->add_flag("--json", o->json, "print JSON");
  command->callback([o, &status] {
    const auto text = plan::planReport(*o);
    if (text) {
      fmt::print("{}", *text);
    } else {
      fmt::print(stderr, "lectern plan: {}\n", text.error().message);
    }
    status = text ? 0 : 1;
  });
}

}  // namespace lectern::cli
