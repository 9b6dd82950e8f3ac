#include "contract/serverless_custom.h"

#include <fmt/format.h>

namespace lectern::contract {

namespace {
FunctionConfig* findFunction(ServerlessConfig& config, std::string_view key) {
  for (auto& f : config.functions) {
    if (f.key == key) return &f;
  }
  return nullptr;
}

Result<void> fileSystems(YamlSection& section, ServerlessConfig& out) {
  const YamlNode* list = section.get("fileSystems");
  if (list == nullptr) return {};
  if (!list->isList()) return section.fault(*list, "'custom.lectern.fileSystems' must be a list");
  for (const YamlNode& item : list->list) {
    YamlSection entry = section.item(item, "custom.lectern.fileSystems");
    TRY_VOID(entry.check());
    LocalFileSystem local;
    TRY(local.arn, entry.text("arn"));
    TRY(local.local_mount_path, entry.text("localMountPath"));
    TRY(local.directory, entry.text("directory"));
    if (local.directory.empty() || local.arn.empty() == local.local_mount_path.empty()) {
      return entry.fault(item, "a local file system is 'directory' and one of 'arn' and 'localMountPath'");
    }
    TRY_VOID(entry.finish());
    out.file_systems.push_back(std::move(local));
  }
  return {};
}

Result<void> watches(YamlSection& section, ServerlessConfig& out) {
  const YamlNode* list = section.get("watch");
  if (list == nullptr) return {};
  if (!list->isList()) return section.fault(*list, "'custom.lectern.watch' must be a list");
  for (const YamlNode& item : list->list) {
    YamlSection entry = section.item(item, "custom.lectern.watch");
    TRY_VOID(entry.check());
    FolderWatch watch;
    TRY(watch.function, entry.text("function"));
    TRY(watch.directory, entry.text("directory"));
    TRY(watch.patterns, entry.texts("patterns"));
    if (watch.directory.empty()) return entry.fault(item, "a watch needs 'directory'");
    if (findFunction(out, watch.function) == nullptr) {
      return entry.fault(item, fmt::format("a watch needs 'function': there is no function '{}'", watch.function));
    }
    TRY_VOID(entry.finish());
    out.watches.push_back(std::move(watch));
  }
  return {};
}

Result<void> snapshots(YamlSection section, ServerlessConfig& out) {
  TRY_VOID(section.check());
  for (const auto& [key, value] : section.entries()) {
    FunctionConfig* function = findFunction(out, key.scalar);
    if (function == nullptr) return section.fault(key, fmt::format("there is no function '{}'", key.scalar));
    auto entry = section.section(key.scalar);
    TRY_VOID(entry.check());
    if (const YamlNode* warmup = entry.get("warmup")) {
      function->snapshot.warmup = warmup->isScalar() ? warmup->scalar : toJson(yamlToJson(*warmup));
      if (auto parsed = parseJson(function->snapshot.warmup); !parsed) {
        return entry.fault(*warmup, "'warmup' must be a JSON event: " + parsed.error().message);
      }
    }
    TRY(const auto runs, entry.integer("warmupRuns", 0, 100));
    function->snapshot.warmup_runs = runs.value_or(1);
    TRY_VOID(entry.finish());
  }
  return {};
}

Result<void> packFiles(YamlSection& entry, PackConfig& pack) {
  const YamlNode* list = entry.get("files");
  if (list == nullptr) return {};
  if (!list->isList()) return entry.fault(*list, fmt::format("'{}.files' must be a list", entry.what()));
  for (const YamlNode& item : list->list) {
    if (item.isScalar()) {
      pack.files.push_back({item.scalar, item.scalar});
      continue;
    }
    YamlSection file = entry.item(item, entry.what() + ".files");
    TRY_VOID(file.check());
    PackConfig::File out;
    TRY(out.from, file.text("from"));
    TRY(out.to, file.text("to", out.from));
    if (out.from.empty()) return file.fault(item, "a file needs 'from' (and 'to')");
    TRY_VOID(file.finish());
    pack.files.push_back(std::move(out));
  }
  return {};
}

Result<void> packs(YamlSection section, ServerlessConfig& out) {
  TRY_VOID(section.check());
  for (const auto& [key, value] : section.entries()) {
    FunctionConfig* function = findFunction(out, key.scalar);
    if (function == nullptr) return section.fault(key, fmt::format("there is no function '{}'", key.scalar));
    auto entry = section.section(key.scalar);
    TRY_VOID(entry.check());
    PackConfig& pack = function->pack;
    TRY(pack.binary, entry.text("binary"));
    TRY(pack.arguments, entry.texts("arguments"));
    TRY(pack.libraries, entry.texts("libraries"));
    TRY_VOID(packFiles(entry, pack));
    TRY(pack.drop, entry.texts("drop"));
    TRY(pack.system, entry.texts("system"));
    TRY(pack.event, entry.text("event"));
    TRY(pack.untrimmed, entry.text("untrimmed"));
    TRY(pack.ignore, entry.texts("ignore"));
    TRY(pack.keep_symbols, entry.boolean("keepSymbols", false));
    TRY_VOID(entry.finish());
  }
  return {};
}
}  // namespace

Result<void> parseLecternSection(YamlSection section, ServerlessConfig& out) {
  TRY_VOID(section.check());
  TRY_VOID(fileSystems(section, out));
  TRY_VOID(watches(section, out));
  TRY_VOID(snapshots(section.section("snapshot"), out));
  TRY_VOID(packs(section.section("pack"), out));
  return section.finish();
}

}  // namespace lectern::contract
