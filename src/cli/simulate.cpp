#include "plan/simulate.h"

#include <fmt/core.h>

#include <memory>

#include "cli/commands.h"

namespace lectern::cli {

void addSimulate(CLI::App& app, int& status) {
  auto o = std::make_shared<plan::SimulateOptions>();
  auto* command = app.add_subcommand(
      "simulate",
      "Run a workload on functions or machines in virtual time, with the engine's own scheduler.\n"
      "Example: lectern simulate --trace run.csv --policy lambda2020 --seed 1 --json\n"
      "         lectern simulate --burst 100 --every 900 --service-ms 900 --model-mib 275 --memory 3008");
  command->add_option("--trace", o->trace, "recorded workload (CSV)");
  command->add_option("--poisson", o->poisson_rate, "Poisson arrivals, a second")->check(CLI::PositiveNumber);
  command->add_option("--burst", o->burst, "requests at once")->check(CLI::PositiveNumber);
  command->add_option("--every", o->every_s, "seconds between bursts")->capture_default_str();
  command->add_option("--seconds", o->seconds, "how long arrivals go on")->capture_default_str();
  command->add_option("--efs-client-mib-s", o->efs_client_mib_s, "file system with bursting throughput: one instance at most")
      ->check(CLI::PositiveNumber);
  command->add_option("--efs-total-mib-s", o->efs_total_mib_s,
                      "the same, all together (default: elastic throughput; bursting, 300 MiB/s, with the rules of 2020)")
      ->check(CLI::PositiveNumber);
  command->add_option("--policy", o->policy, "lambda2020, lambda2026, fixed:SECONDS, histogram")->capture_default_str();
  command->add_option("--book", o->book, "price book (default: the policy's)");
  command->add_option("--arch", o->arch, "x86_64 or arm64")->capture_default_str();
  command->add_option("--memory", o->memory_mb, "MB")->capture_default_str();
  command->add_option("--provisioned", o->provisioned, "instances kept ready")->check(CLI::NonNegativeNumber);
  command->add_option("--reserved", o->reserved, "reserved concurrency")->check(CLI::NonNegativeNumber);
  command->add_option("--account-concurrency", o->account_concurrency)->capture_default_str();
  command->add_option("--timeout", o->timeout_s, "function timeout in seconds")->check(CLI::NonNegativeNumber);
  command->add_option("--profile", o->profile, "PROFILE.json: service times at --memory");
  command->add_option("--service-ms", o->service_ms, "mean service time (default: the trace's)");
  command->add_option("--service-cv", o->service_cv, "its coefficient of variation")->capture_default_str();
  command->add_option("--per-item-ms", o->per_item_ms, "for each further item of a batch");
  command->add_option("--preinit-ms", o->preinit_ms, "start before init, not billed");
  command->add_option("--init-ms", o->init_ms, "init of the function");
  command->add_option("--model-mib", o->model_mib, "read from the shared file system by a new instance");
  command->add_flag("--load-in-handler", o->load_in_handler, "the first call reads it, not init");
  command->add_option("--batch", o->batch, "requests a call")->check(CLI::PositiveNumber);
  command->add_option("--batch-wait-ms", o->batch_wait_ms)->check(CLI::NonNegativeNumber);
  command->add_option("--machine", o->machine, "virtual machines of this type instead of functions");
  command->add_option("--machines", o->machines)->check(CLI::PositiveNumber);
  command->add_flag("--unlimited", o->unlimited, "T2 unlimited: surplus is paid, not throttled");
  command->add_option("--seed", o->seed)->capture_default_str();
  command->add_option("--runs", o->runs, "independent runs (default: enough for steady counts)");
  command->add_flag("--json", o->json, "print JSON");
  command->callback([o, &status] {
    const auto text = plan::simulateReport(*o);
    if (text) {
      fmt::print("{}", *text);
    } else {
      fmt::print(stderr, "lectern simulate: {}\n", text.error().message);
    }
    status = text ? 0 : 1;
  });
}

}  // namespace lectern::cli
