#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/log.h"
#include "cli/commands.h"
#include "contract/limits.h"
#include "engine/engine.h"
#include "model/model_store.h"

namespace lectern::cli {

namespace {

struct ServeOptions {
  std::string config, listen = "127.0.0.1:9000", state, quotas = "current";
  bool no_sandbox = false, require_signature = false, functions_first = false;
  double idle_s = 0, retry_delay_s = 0, stream_rate_mib = 0;
  std::optional<int64_t> model_budget_mb;
};

int stop_event = -1;

void onStop(int) {
  const uint64_t one = 1;
  (void)!write(stop_event, &one, sizeof one);
}

void maskStop(int how) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(how, &set, nullptr);
}

/// SIGTERM and SIGINT are noted from now on, whichever thread gets them: libraries start threads before main, whose
/// masks nobody set.
Result<void> catchStop() {
  stop_event = eventfd(0, EFD_CLOEXEC);
  if (stop_event < 0) return failErrno("eventfd", errno);
  struct sigaction action {};
  action.sa_handler = onStop;
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  maskStop(SIG_BLOCK);  // for the engine's threads
  return {};
}

/// The machine's one copy of the weights of models; without it each function has its own.
class Weights {
 public:
  explicit Weights(std::optional<int64_t> budget_mb) {
    options_.budget = budget_mb ? mebibytes(*budget_mb) : model::usualBudget();
    if (budget_mb == 0) return;
    options_.folder = model::keeperFolder();
    start();
  }
  /// Empty when there is no keeper.
  std::filesystem::path folder() const { return keeper_ ? options_.folder : std::filesystem::path(); }
  int endFd() const { return keeper_ ? keeper_->endFd() : -1; }
  void start() {
    keeper_.reset();
    auto used = model::KeeperProcess::use("/proc/self/exe", options_);
    if (used) {
      keeper_ = std::move(*used);
    } else {
      logWarn(used.error().message + ": each function has its own copy of the weights of its model");
    }
  }

 private:
  model::KeeperOptions options_;
  std::unique_ptr<model::KeeperProcess> keeper_;
};

/// Waits until somebody asks the program to end. A keeper of weights that ended meanwhile is replaced.
void waitForSignal(Weights& weights) {
  maskStop(SIG_UNBLOCK);
  while (true) {
    pollfd waiting[2] = {{stop_event, POLLIN, 0}, {weights.endFd(), POLLIN, 0}};
    if (poll(waiting, 2, -1) < 0) continue;
    if (waiting[0].revents != 0) return;
    if (waiting[1].revents == 0) continue;
    logWarn("the keeper of weights has ended; another one is started");
    weights.start();
  }
}

int serve(const ServeOptions& options) {
  signal(SIGPIPE, SIG_IGN);
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    descriptors.rlim_cur = descriptors.rlim_max;
    setrlimit(RLIMIT_NOFILE, &descriptors);
  }
  engine::EngineOptions engine_options;
  engine_options.listen = options.listen;
  engine_options.state_dir = options.state;
  engine_options.quotas = *contract::quotasFromName(options.quotas);
  engine_options.sandbox = !options.no_sandbox;
  engine_options.functions_first = options.functions_first;
  engine_options.require_signature = options.require_signature;
  engine_options.idle = Nanos(int64_t(options.idle_s * 1e9));
  engine_options.retry_delay = Nanos(int64_t(options.retry_delay_s * 1e9));
  engine_options.stream_rate = Bytes{int64_t(options.stream_rate_mib * (1 << 20))};
  auto complain = [](const Error& error) {
    fmt::print(stderr, "lectern serve: {}\n", error.message);
    return 1;
  };
  if (auto caught = catchStop(); !caught) return complain(caught.error());
  if (const char* key = getenv("AWS_ACCESS_KEY_ID"); key && options.require_signature) engine_options.access_key = key;
  if (const char* key = getenv("AWS_SECRET_ACCESS_KEY"); key && options.require_signature) {
    engine_options.secret_key = key;
  }
  Weights weights(options.model_budget_mb);
  engine_options.keeper = weights.folder();
  auto engine = engine::Engine::start(engine_options);
  if (!engine) return complain(engine.error());
  if (!options.config.empty()) {
    auto added = (*engine)->addServerless(options.config);
    if (!added) return complain(added.error());
    for (auto& warning : *added) fmt::print(stderr, "warning: {}\n", warning);
  }
  if ((*engine)->isolation() != "isolation: full") fmt::print(stderr, "{}\n", (*engine)->isolation());
  fmt::print("listening on {}\n", (*engine)->endpoint());
  fflush(stdout);
  waitForSignal(weights);
  return 0;
}

}  // namespace

void addServe(CLI::App& app, int& status) {
  auto options = std::make_shared<ServeOptions>();
  auto* command = app.add_subcommand(
      "serve",
      "Serve the AWS Lambda API on this machine.\n"
      "Example: lectern serve --config serverless.yml --listen 127.0.0.1:9000\n"
      "Then:    aws lambda invoke --endpoint-url http://127.0.0.1:9000 --function-name echo out.json");
  command->add_option("--config", options->config, "Functions to start with (serverless.yml)")
      ->check(CLI::ExistingFile);
  command->add_option("--listen", options->listen, "HOST:PORT; port 0 picks one")->capture_default_str();
  command->add_option("--state", options->state, "Folder for functions and logs that outlive the server");
  command->add_option("--quotas", options->quotas, "Lambda's limits: current or 2020")
      ->check(CLI::IsMember({"current", "2020"}))
      ->capture_default_str();
  command->add_option("--idle", options->idle_s, "Seconds that an instance without work is kept (default: as Lambda)");
  command->add_option("--stream-rate", options->stream_rate_mib,
                      "MiB a second of a streamed response after its first 6 MiB (default 2, as Lambda)")
      ->check(CLI::Range(0.03125, 64.0));
  command->add_option("--retry-delay", options->retry_delay_s,
                      "Seconds before a failed Event invocation is repeated (default 60)");
  command->add_option("--model-budget", options->model_budget_mb,
                      "Most megabytes of the models' weights that functions of this machine share; the least used leave "
                      "(default: half of the memory; 0: each function has its own)")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30));
  command->add_flag("--no-sandbox", options->no_sandbox, "Run functions as plain processes, without isolation");
  command->add_flag("--functions-first", options->functions_first,
                    "Functions get their CPU share before other programs of this machine: for measuring on a busy one");
  command->add_flag("--require-signature", options->require_signature,
                    "Refuse requests that are not signed with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  command->callback([options, &status] { status = serve(*options); });
}

}  // namespace lectern::cli
