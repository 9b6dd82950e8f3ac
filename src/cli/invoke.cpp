#include <fmt/core.h>

#include <memory>

#include "base/files.h"
#include "cli/commands.h"
#include "engine/client.h"

namespace lectern::cli {

namespace {

struct InvokeOptions {
  std::string endpoint;
  engine::RemoteInvoke call;
  bool event = false, json = false;
};

int invoke(InvokeOptions& options) {
  std::string& payload = options.call.payload;
  if (payload.starts_with('@')) {
    auto bytes = readFile(payload.substr(1), mebibytes(64));
    if (!bytes) {
      fmt::print(stderr, "lectern invoke: {}\n", bytes.error().message);
      return 1;
    }
    payload = std::move(*bytes);
  }
  if (options.event) options.call.type = "Event";
  engine::Client client(options.endpoint);
  auto result = client.invoke(options.call);
  if (!result) {
    fmt::print(stderr, "lectern invoke: {}. Is `lectern serve` running, and --endpoint right?\n",
               result.error().message);
    return 1;
  }
  if (options.json) {
    json::object out = {{"status", result->status},
                        {"function_error", result->function_error},
                        {"executed_version", result->executed_version},
                        {"payload", result->payload},
                        {"log", result->log}};
    fmt::print("{}\n", toJson(out));
  } else {
    if (!result->log.empty()) fmt::print(stderr, "{}", result->log);
    if (!result->payload.empty()) fmt::print("{}\n", result->payload);
  }
  bool good = result->status / 100 == 2 && result->function_error.empty();
  if (!good) {
    fmt::print(stderr, "lectern invoke: {}\n",
               result->function_error.empty() ? fmt::format("refused with status {}", result->status)
                                              : "the function reported an error");
  }
  return good ? 0 : 1;
}

}  // namespace

void addInvoke(CLI::App& app, int& status) {
  auto options = std::make_shared<InvokeOptions>();
  auto* command = app.add_subcommand("invoke",
                                     "Invoke a function of a running engine.\n"
                                     "Example: lectern invoke echo --payload '{\"a\":1}' --tail\n"
                                     "         lectern invoke ocr --payload @event.json");
  command->add_option("function", options->call.function, "Name, name:alias or ARN")->required();
  command->add_option("--payload", options->call.payload, "JSON, or @FILE")->capture_default_str();
  command->add_option("--qualifier", options->call.qualifier, "Version or alias");
  command->add_option("--endpoint", options->endpoint,
                      "http://HOST:PORT (default: $AWS_ENDPOINT_URL_LAMBDA, else http://127.0.0.1:9000)");
  command->add_flag("--tail", options->call.want_log, "Print the end of its log on standard error");
  command->add_flag("--event", options->event, "Do not wait for the answer");
  command->add_flag("--json", options->json, "Print everything as JSON");
  command->callback([options, &status] { status = invoke(*options); });
}

}  // namespace lectern::cli
