#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "engine/client.h"

namespace lectern::cli {

namespace {

std::atomic<bool> interrupted{false};

// What AWS takes for the same use: x86, first tier, us-east-1.
constexpr double kDollarsPerGbSecond = 0.0000166667, kDollarsPerRequest = 0.0000002;

std::string tableOf(const json::object& status) {
  std::string out =
      fmt::format("{:<28} {:>7} {:>6} {:>6} {:>6} {:>10} {:>7} {:>9} {:>9} {:>8} {:>11}\n", "FUNCTION", "MEMORY",
                  "START", "IDLE", "BUSY", "INVOKED", "ERRORS", "THROTTLED", "AVG MS", "PEAK MB", "COST $");
  double total = 0;
  auto* functions = status.if_contains("functions");
  if (functions && functions->is_array()) {
    for (auto& item : functions->as_array()) {
      if (!item.is_object()) continue;
      auto& f = item.as_object();
      json::object none;
      auto* instances = f.if_contains("instances");
      const json::object& states = instances && instances->is_object() ? instances->as_object() : none;
      int64_t invoked = intOr(f, "invocations", 0);
      int64_t ran = invoked - intOr(f, "throttles", 0);
      double cost = doubleOr(f, "gb_seconds", 0) * kDollarsPerGbSecond + double(ran) * kDollarsPerRequest;
      total += cost;
      out += fmt::format("{:<28} {:>7} {:>6} {:>6} {:>6} {:>10} {:>7} {:>9} {:>9.2f} {:>8} {:>11.6f}\n",
                         stringOr(f, "name", "") + ":" + stringOr(f, "version", ""), intOr(f, "memory_mb", 0),
                         intOr(states, "starting", 0),
                         intOr(states, "idle", 0) + intOr(states, "frozen", 0) + intOr(states, "reset", 0),
                         intOr(states, "busy", 0), invoked, intOr(f, "errors", 0) + intOr(f, "timeouts", 0),
                         intOr(f, "throttles", 0), ran > 0 ? doubleOr(f, "duration_ms", 0) / double(ran) : 0.0,
                         intOr(f, "max_memory_mb", 0), cost);
    }
  }
  out += fmt::format("concurrency {}, waiting events {}, cost so far at AWS's price ${:.6f}\n",
                     intOr(status, "concurrency", 0), intOr(status, "waiting_events", 0), total);
  return out;
}

}  // namespace

void addTop(CLI::App& app, int& status) {
  struct Options {
    std::string endpoint;
    bool once = false, json = false;
  };
  auto options = std::make_shared<Options>();
  auto* command =
      app.add_subcommand("top",
                         "Show the functions of a running engine: instances, invocations, throttles, cost.\n"
                         "Example: lectern top --once");
  command->add_flag("--once", options->once, "Print once and end (default when the output is no terminal)");
  command->add_flag("--json", options->json, "Print the engine's status as JSON, once");
  command->add_option("--endpoint", options->endpoint,
                      "http://HOST:PORT (default: $AWS_ENDPOINT_URL_LAMBDA, else http://127.0.0.1:9000)");
  command->callback([options, &status] {
    signal(SIGINT, [](int) { interrupted = true; });
    engine::Client client(options->endpoint);
    bool once = options->once || options->json || !isatty(STDOUT_FILENO);
    status = 0;
    while (!interrupted) {
      auto now = client.status();
      if (!now) {
        fmt::print(stderr, "lectern top: {}\n", now.error().message);
        status = 1;
        return;
      }
      if (!once) fmt::print("\033[H\033[J");
      fmt::print("{}", options->json ? toJson(*now) + "\n" : tableOf(*now));
      fflush(stdout);
      if (once) return;
      poll(nullptr, 0, 1000);
    }
  });
}

}  // namespace lectern::cli
