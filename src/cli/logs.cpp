#include <fmt/core.h>
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "engine/client.h"

namespace lectern::cli {

namespace {
std::atomic<bool> interrupted{false};
}

void addLogs(CLI::App& app, int& status) {
  struct Options {
    std::string function, endpoint;
    bool follow = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("logs",
                                     "Print what a function of a running engine has logged.\n"
                                     "Example: lectern logs echo --follow");
  command->add_option("function", options->function, "Name of the function")->required();
  command->add_flag("-f,--follow", options->follow, "Go on printing until interrupted");
  command->add_option("--endpoint", options->endpoint,
                      "http://HOST:PORT (default: $AWS_ENDPOINT_URL_LAMBDA, else http://127.0.0.1:9000)");
  command->callback([options, &status] {
    signal(SIGINT, [](int) { interrupted = true; });
    engine::Client client(options->endpoint);
    auto done = client.logs(options->function, options->follow, interrupted, [](std::string_view text) {
      fwrite(text.data(), 1, text.size(), stdout);
      fflush(stdout);
    });
    if (!done) fmt::print(stderr, "lectern logs: {}\n", done.error().message);
    status = done ? 0 : 1;
  });
}

}  // namespace lectern::cli
