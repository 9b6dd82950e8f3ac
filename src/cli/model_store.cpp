#include <fmt/core.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "base/json.h"
#include "cli/commands.h"
#include "model/model_store.h"

namespace lectern::cli {

namespace {
struct StoreArguments {
  std::string file, store, name, source, folder;
  int64_t budget_mb = 0;
  bool json = false, while_used = false, plain = false;
};

int failed(const Error& error) {
  fmt::print(stderr, "lectern model: {}\n", error.message);
  return 1;
}

json::object describe(const model::Manifest& manifest) {
  json::array files;
  for (const auto& f : manifest.files) files.push_back({{"file", f.name}, {"sha256", f.sha256}, {"size", f.size}});
  return {{"name", manifest.name}, {"source", manifest.source}, {"bytes", manifest.bytes()}, {"files", std::move(files)}};
}

int addCommand(const StoreArguments& arguments) {
  const std::filesystem::path file = arguments.file;
  const std::string name = arguments.name.empty() ? file.stem().string() : arguments.name;
  auto manifest = model::addModel(arguments.store, name, file, arguments.source.empty() ? arguments.file : arguments.source);
  if (!manifest) return failed(manifest.error());
  if (!arguments.plain) {
    if (auto form = model::prepareForMachine(arguments.store, name); !form) return failed(form.error());
  }
  if (arguments.json) {
    fmt::print("{}\n", toJson(describe(*manifest)));
  } else {
    fmt::print("{}: {:.1f} MiB, sha256 {}\n", name, static_cast<double>(manifest->bytes()) / (1 << 20),
               manifest->files[0].sha256);
  }
  return 0;
}

int listCommand(const StoreArguments& arguments) {
  auto models = model::listModels(arguments.store);
  if (!models) return failed(models.error());
  for (const auto& manifest : *models) {
    if (arguments.json) {
      fmt::print("{}\n", toJson(describe(manifest)));
    } else {
      fmt::print("{:<30} {:>10.1f} MiB  {}  {}\n", manifest.name, static_cast<double>(manifest.bytes()) / (1 << 20),
                 manifest.files[0].sha256.substr(0, 12), manifest.source);
    }
  }
  return 0;
}

/// Waits for SIGTERM or SIGINT; with `while_used` also until nobody has been connected for some seconds.
void keepOn(const model::Keeper& keeper, const sigset_t& signals, bool while_used) {
  constexpr int kQuietSeconds = 5;
  const timespec second{1, 0};
  for (int quiet = 0; quiet < kQuietSeconds;) {
    if (sigtimedwait(&signals, nullptr, &second) > 0) return;
    quiet = while_used && keeper.status().users == 0 ? quiet + 1 : 0;
  }
}

int keepCommand(const StoreArguments& arguments) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);  // before any thread starts
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    descriptors.rlim_cur = descriptors.rlim_max;
    setrlimit(RLIMIT_NOFILE, &descriptors);
  }
  model::KeeperOptions options{arguments.folder, mebibytes(arguments.budget_mb)};
  if (options.folder.empty()) options.folder = model::keeperFolder();
  if (options.budget.value == 0) options.budget = model::usualBudget();
  // Weights, and what reading and handing out takes.
  auto group = model::joinMemoryGroup(options.budget + mebibytes(256));
  auto keeper = model::Keeper::start(options);
  if (!keeper) {
    if (group) model::leaveMemoryGroup(*group);
    return failed(keeper.error());
  }
  if (!group) fmt::print(stderr, "lectern model: {}\n", group.error().message);
  fmt::print("keeping weights in at most {} MB, {}, charged to {}; functions reach it by LECTERN_KEEPER={}\n",
             options.budget.value >> 20, (*keeper)->status().huge_pages ? "pages of 2 MB" : "small pages",
             group ? group->group.string() : "the caller", (*keeper)->status().socket.string());
  fflush(stdout);
  keepOn(**keeper, set, arguments.while_used);
  keeper->reset();
  if (group) model::leaveMemoryGroup(*group);
  return 0;
}
}  // namespace

void addModelStore(CLI::App& model, int& status) {
  auto arguments = std::make_shared<StoreArguments>();
  auto* add = model.add_subcommand("add",
                                   "Put an ONNX model into a model store, with a form for this kind of machine.\n"
                                   "Example: lectern model add m.onnx --store /srv/models --name classifier");
  auto* list = model.add_subcommand("list", "List the models of a store.\nExample: lectern model list --store /srv/models");
  auto* keep = model.add_subcommand("keep",
                                    "Hold weights in memory, one copy for all functions of the machine, until ended. "
                                    "`lectern serve` does so by itself.\n"
                                    "Example: lectern model keep --budget 8192");
  add->add_option("file", arguments->file, "ONNX model; files of its weights beside it come along")->required();
  add->add_option("--name", arguments->name, "Name in the store (default: the file's)");
  add->add_option("--source", arguments->source, "Where the model came from (default: the path)");
  add->add_flag("--plain", arguments->plain, "Without the form for this machine");
  for (auto* sub : {add, list}) {
    sub->add_option("--store", arguments->store, "Folder of the store")->required();
    sub->add_flag("--json", arguments->json, "Print JSON");
  }
  keep->add_option("--budget", arguments->budget_mb,
                   "Most megabytes of weights; the least recently used leave (default: half of the machine's memory)")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30));
  keep->add_option("--folder", arguments->folder, "Folder of its socket (default: where the engine looks)");
  keep->add_flag("--while-used", arguments->while_used, "End when nobody has used it for some seconds");
  add->callback([arguments, &status] { status = addCommand(*arguments); });
  list->callback([arguments, &status] { status = listCommand(*arguments); });
  keep->callback([arguments, &status] { status = keepCommand(*arguments); });
}

}  // namespace lectern::cli
