#include <fmt/core.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "base/files.h"
#include "base/json.h"
#include "cli/commands.h"
#include "engine/sandbox/sandbox.h"

namespace lectern::cli {
namespace {

namespace fs = std::filesystem;

std::string firstLine(const char* path, const char* starts_with = nullptr) {
  auto text = readFile(path, mebibytes(4));
  if (!text) return {};
  size_t at = starts_with ? text->find(starts_with) : 0;
  if (at == std::string::npos) return {};
  return text->substr(at, text->find('\n', at) - at);
}

json::array cpuFeatures() {
  const std::string flags = firstLine("/proc/cpuinfo", "flags") + " ";
  json::array found;
  for (const char* name : {"avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni"}) {
    if (flags.find(std::string(" ") + name + " ") != std::string::npos) found.emplace_back(name);
  }
  return found;
}

json::array languages() {
  json::array found;
  std::error_code ec;
  for (const char* folder : {"/usr/share/tesseract-ocr/5/tessdata", "/usr/share/tessdata"}) {
    for (const auto& entry : fs::directory_iterator(folder, ec)) {
      if (entry.path().extension() == ".traineddata") found.emplace_back(entry.path().stem().string());
    }
  }
  return found;
}

std::string joined(const json::array& list) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : " ") + std::string(item.as_string());
  return text.empty() ? "none" : text;
}

json::object examine() {
  json::object report;
  json::array advice;
  utsname name{};
  uname(&name);
  report["kernel"] = name.release;
  report["uid"] = geteuid();
  report["cpus"] = sysconf(_SC_NPROCESSORS_ONLN);
  report["cpu_features"] = cpuFeatures();
  report["transparent_huge_pages"] = firstLine("/sys/kernel/mm/transparent_hugepage/enabled");
  report["shared_huge_pages"] = firstLine("/sys/kernel/mm/transparent_hugepage/shmem_enabled");
  if (firstLine("/sys/kernel/mm/transparent_hugepage/shmem_enabled").find("[never]") != std::string::npos) {
    advice.emplace_back("snapshots of large models: echo advise > /sys/kernel/mm/transparent_hugepage/shmem_enabled");
  }
  sandbox::SpawnerOptions options;
  options.allow_none = true, options.prepared = 0;
  if (auto started = sandbox::Spawner::start(options)) {
    const auto& c = (*started)->capabilities();
    json::array controllers;
    for (const auto& controller : c.controllers) controllers.emplace_back(controller);
    report["isolation"] = sandbox::isolationName(c.isolation);
    report["cgroups"] = c.cgroups, report["cgroup_controllers"] = controllers;
    report["seccomp"] = c.seccomp, report["user_namespaces"] = c.user_namespaces, report["snapshots"] = c.templates;
    if (c.isolation == sandbox::Isolation::kNone) {
      advice.emplace_back(c.message +
                          ": lectern read runs its functions as plain processes with resource limits; "
                          "lectern serve needs --no-sandbox");
    } else if (!c.message.empty()) {
      advice.emplace_back(c.message);
    }
  } else {
    report["isolation"] = "unknown";
    advice.emplace_back(started.error().message);
  }
  report["tesseract_languages"] = languages();
  if (languages().empty()) advice.emplace_back("text recognition: apt-get install tesseract-ocr-eng");
  std::error_code ec;
  report["assets"] = assetsDir().string();
  report["assets_present"] = fs::exists(assetsDir() / "models", ec) && fs::exists(assetsDir() / "onnxruntime", ec);
  if (!report["assets_present"].as_bool()) advice.emplace_back("models and ONNX Runtime: run tools/fetch_assets");
  report["advice"] = advice;
  return report;
}

}  // namespace

void addDoctor(CLI::App& app, int& status) {
  auto* command =
      app.add_subcommand("doctor", "Say what this machine offers to Lectern.\nExample: lectern doctor --json");
  auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "one JSON object");
  command->callback([as_json, &status] {
    json::object report = examine();
    status = 0;
    if (*as_json) return fmt::print("{}\n", toPrettyJson(report));
    for (const auto& [key, value] : report) {
      if (key == "advice") continue;
      std::string text = value.is_array()    ? joined(value.as_array())
                         : value.is_string() ? std::string(value.as_string())
                                             : toJson(value);
      fmt::print("{:<24} {}\n", std::string_view(key), text);
    }
    for (const auto& line : report["advice"].as_array())
      fmt::print("advice: {}\n", std::string_view(line.as_string()));
  });
}

}  // namespace lectern::cli
