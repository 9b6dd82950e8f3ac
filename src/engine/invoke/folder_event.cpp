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

}  // namespace lectern::engine
