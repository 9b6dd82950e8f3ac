#include <fmt/core.h>

#include <memory>

#include "base/json.h"
#include "cli/calibration.h"
#include "cli/commands.h"
#include "model/optimize.h"
#include "model/quantize.h"

namespace lectern::cli {

namespace {
struct OptimizeArguments {
  std::string file, out;
  bool json = false;
};

double mib(int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

int optimizeCommand(const OptimizeArguments& arguments) {
  auto report = model::optimizeModel(arguments.file, arguments.out);
  if (!report) {
    fmt::print(stderr, "lectern model: {}\n", report.error().message);
    return 1;
  }
  if (arguments.json) {
    json::object out{{"before_bytes", report->before_bytes}, {"after_bytes", report->after_bytes},
                     {"machine", model::machineKind()}, {"data", report->data.string()}};
    fmt::print("{}\n", toJson(out));
    return 0;
  }
  fmt::print("{:.1f} MiB -> {:.1f} MiB, optimised for {}\n", mib(report->before_bytes), mib(report->after_bytes),
             model::machineKind());
  if (!report->data.empty()) fmt::print("weights are in {}\n", report->data.string());
  return 0;
}

void addOptimize(CLI::App& model, int& status) {
  auto arguments = std::make_shared<OptimizeArguments>();
  auto* command = model.add_subcommand(
      "optimize",
      "Optimise the graph of an ONNX model for this kind of machine, so that functions start from it without any work.\n"
      "Example: lectern model optimize m.onnx -o m.ort");
  command->add_option("file", arguments->file, "ONNX model")->required();
  command->add_option("-o,--out", arguments->out, "File to write: NAME.ort, or NAME.onnx for 2 GB and more")
      ->required();
  command->add_flag("--json", arguments->json, "Print JSON");
  command->callback([arguments, &status] { status = optimizeCommand(*arguments); });
}

struct QuantizeArguments {
  std::string file, out, folder;
  model::QuantizeOptions options;
  CalibrationOptions calibration;
  bool json = false;
};

Result<model::QuantizeReport> quantize(const QuantizeArguments& arguments) {
  TRY(const auto session, model::Session::load(arguments.file, {}));
  TRY(auto images, loadCalibration(arguments.folder, session->inputs()[0], arguments.calibration));
  // Every fourth image measures what the others chose.
  std::vector<model::Tensor> chosen, held_back;
  for (size_t i = 0; i < images.size(); ++i) {
    const bool hold = i % 4 == 3 || (i + 1 == images.size() && held_back.empty());
    (hold ? held_back : chosen).push_back(std::move(images[i]));
  }
  return model::quantizeModel(arguments.file, arguments.out, chosen, held_back, arguments.options);
}

int quantizeCommand(const QuantizeArguments& arguments) {
  auto report = quantize(arguments);
  if (!report) {
    fmt::print(stderr, "lectern model: {}\n", report.error().message);
    return 1;
  }
  const auto& r = *report;
  if (arguments.json) {
    json::object out{{"before_bytes", r.before_bytes},   {"after_bytes", r.after_bytes},
                     {"convolutions", r.convolutions},   {"quantized", r.quantized},
                     {"calibration_images", r.calibration}, {"held_back_images", r.held_back},
                     {"cosine_mean", r.cosine_mean},     {"cosine_min", r.cosine_min},
                     {"max_error", r.max_error},         {"max_value", r.max_value},
                     {"float_cpu_ms", r.float_ms},       {"int8_cpu_ms", r.int8_ms}};
    fmt::print("{}\n", toJson(out));
    return 0;
  }
  fmt::print("{} of {} convolutions are int8, {:.1f} MiB -> {:.1f} MiB\n", r.quantized, r.convolutions,
             mib(r.before_bytes), mib(r.after_bytes));
  fmt::print("on {} images held back: cosine {:.5f} (least {:.5f}), largest error {:.4g} of values to {:.4g}\n",
             r.held_back, r.cosine_mean, r.cosine_min, r.max_error, r.max_value);
  fmt::print("CPU time of a run: {:.1f} ms, was {:.1f} ms\n", r.int8_ms, r.float_ms);
  if (r.int8_ms > r.float_ms) fmt::print("int8 is slower on this machine: use it only to save space\n");
  return 0;
}

void addQuantize(CLI::App& model, int& status) {
  auto arguments = std::make_shared<QuantizeArguments>();
  auto* command = model.add_subcommand(
      "quantize",
      "Make the convolutions of an ONNX model int8, and measure what that costs on images held back.\n"
      "Example: lectern model quantize m.onnx -o m-int8.onnx --calibration pages/");
  command->add_option("file", arguments->file, "ONNX model with one image input")->required();
  command->add_option("-o,--out", arguments->out, "File to write")->required();
  command->add_option("--calibration", arguments->folder, "Folder of images like those the model will see")
      ->required()
      ->check(CLI::ExistingDirectory);
  command->add_option("--normalize", arguments->calibration.normalize,
                      "How pixels become numbers: imagenet, half (-1 to 1), unit (0 to 1), none (0 to 255)")
      ->check(CLI::IsMember({"imagenet", "half", "unit", "none"}))
      ->capture_default_str();
  command->add_option("--max-side", arguments->calibration.max_side, "Longest side where the model leaves it open")
      ->check(CLI::Range(32, 4096))
      ->capture_default_str();
  command->add_option("--images", arguments->calibration.max_images, "Most images to use")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  command->add_option("--target-cosine", arguments->options.target_cosine,
                      "Convolutions stay float, the most harmful first, until images held back reach this")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--weight-bits", arguments->options.weight_bits,
                      "7 is right everywhere; 8 only where the processor has VNNI")
      ->check(CLI::Range(7, 8))
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "Print JSON");
  command->callback([arguments, &status] { status = quantizeCommand(*arguments); });
}
}  // namespace

void addModelTune(CLI::App& model, int& status) {
  addOptimize(model, status);
  addQuantize(model, status);
}

}  // namespace lectern::cli
