#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "base/json.h"
#include "cli/commands.h"
#include "model/slim.h"

namespace lectern::cli {

namespace {
struct ModelArguments {
  std::string file, out;
  model::SlimOptions options;
  bool json = false;
};

int failed(const Error& error) {
  fmt::print(stderr, "lectern model: {}\n", error.message);
  return 1;
}

double mib(int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

int inspectCommand(const ModelArguments& arguments) {
  auto report = model::inspectModel(arguments.file, arguments.options.outputs);
  if (!report) return failed(report.error());
  if (arguments.json) {
    fmt::print("{}\n", toJson(model::toJson(*report)));
    return 0;
  }
  std::map<std::string, int64_t> by_role;
  std::stable_sort(report->tensors.begin(), report->tensors.end(),
                   [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  fmt::print("{}: {}, {:.1f} MiB, {} tensors\n", arguments.file, report->format, mib(report->file_bytes),
             report->tensors.size());
  for (const auto& t : report->tensors) {
    const auto role = std::string(model::formats::roleName(t.role));
    by_role[role] += t.bytes;
    fmt::print("  {:>12}  {:<9} {:<9} {}\n", t.bytes, t.dtype, role, t.name);
  }
  for (const auto& [op, count] : report->operators) fmt::print("  {:>5} x {}\n", count, op);
  for (const auto& [op, count] : report->training_operators) fmt::print("  {:>5} x {} (not needed)\n", count, op);
  for (const auto& [role, bytes] : by_role) fmt::print("{:<10} {:.1f} MiB\n", role, mib(bytes));
  return 0;
}

int slimCommand(const ModelArguments& arguments) {
  auto report = model::slimModel(arguments.file, arguments.out, arguments.options);
  if (!report) return failed(report.error());
  if (arguments.json) {
    fmt::print("{}\n", toJson(model::toJson(*report)));
    return 0;
  }
  fmt::print("{:.1f} MiB -> {:.1f} MiB, {} entries left out\n", mib(report->before_bytes), mib(report->after_bytes),
             report->dropped.size());
  return 0;
}
}  // namespace

void addModel(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("model",
                                     "Look into a model file, or make it smaller.\n"
                                     "Example: lectern model slim ctpn.ckpt -o ctpn-slim.ckpt");
  command->require_subcommand(1);
  auto arguments = std::make_shared<ModelArguments>();
  auto* inspect = command->add_subcommand("inspect",
                                          "List tensors, sizes, operators, and what inference does not need.\n"
                                          "Example: lectern model inspect ctpn.ckpt.index");
  auto* slim = command->add_subcommand("slim",
                                       "Leave out optimiser slots, moving averages and unused nodes; the format and "
                                       "the bytes of what stays are kept.\nExample: lectern model slim m.pt -o small.pt");
  for (auto* sub : {inspect, slim}) {
    sub->add_option("file", arguments->file, "ONNX, TensorFlow graph or checkpoint, PyTorch or safetensors file")->required();
    sub->add_option("--output", arguments->options.outputs, "Outputs of a TensorFlow graph (default: its sinks)");
    sub->add_flag("--json", arguments->json, "Print JSON");
  }
  slim->add_option("-o,--out", arguments->out, "File to write, or prefix of a checkpoint")->required();
  slim->add_flag("--use-averages", arguments->options.use_averages,
                 "Checkpoints: weights take the value of their moving average");
  inspect->callback([arguments, &status] { status = inspectCommand(*arguments); });
  slim->callback([arguments, &status] { status = slimCommand(*arguments); });
  addModelTune(*command, status);
  addModelStore(*command, status);
}

}  // namespace lectern::cli
