#include "engine/invoke/folder_watch.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/log.h"
#include "engine/invoke/folder_event.h"

namespace lectern::engine {

namespace fs = std::filesystem;

json::object folderRecord(Registry& registry, const std::string& name, const fs::path& file, int64_t size) {
  json::object object = {{"key", file.filename().string()}, {"size", size}};
  std::string bucket = file.parent_path().filename().string();
  json::object record = {
      {"eventVersion", "2.1"},
      {"eventSource", "aws:s3"},
      {"awsRegion", registry.options().place.region},
      {"eventTime", formatIso(registry.clock().wall())},
      {"eventName", "ObjectCreated:Put"},
      {"s3", json::object{{"s3SchemaVersion", "1.0"},
                          {"bucket", json::object{{"name", bucket}, {"arn", "arn:aws:s3:::" + bucket}}},
                          {"object", std::move(object)}}}};
  // Where the function sees the file, when its file system holds the folder.
  if (auto* function = registry.find(name); function && function->latest().live) {
    for (auto& mount : function->latest().live->mounts) {
      std::error_code error;
      fs::path inside = fs::canonical(file, error).lexically_relative(fs::canonical(mount.host_dir, error));
      if (error || inside.empty() || *inside.begin() == "..") continue;
      record["lectern"] = json::object{{"path", (fs::path(mount.target) / inside).string()}};
    }
  }
  return record;
}

FolderWatch::FolderWatch(net::Loop& loop, Registry& registry, AsyncInvoker& async)
    : registry_(registry),
      async_(async),
      notices_(
          loop,
          [this](int watch, const std::string& name) {
            auto it = folders_.find(watch);
            if (it == folders_.end() || name.starts_with('.')) return;
            for (auto& folder : it->second) appeared(folder, name);
          },
          [] { logWarn("folder watch: files appeared faster than they could be noted"); }) {}

Result<void> FolderWatch::add(WatchedFolder folder) {
  TRY(int watch, notices_.add(folder.directory));
  folders_[watch].push_back(std::move(folder));
  return {};
}

void FolderWatch::appeared(const WatchedFolder& folder, const std::string& name) {
  auto fits = [&](const std::string& pattern) { return fnmatch(pattern.c_str(), name.c_str(), 0) == 0; };
  if (!folder.patterns.empty() && std::none_of(folder.patterns.begin(), folder.patterns.end(), fits)) return;
  fs::path path = folder.directory / name;
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return;
  json::object record = folderRecord(registry_, folder.function, path, info.st_size);
  json::object event = {{"Records", json::array{std::move(record)}}};
  auto taken = async_.enqueue({folder.function, ""}, toJson(event));
  if (!taken) logWarn("folder watch: " + path.string() + ": " + taken.error().message);
}

}  // namespace lectern::engine
