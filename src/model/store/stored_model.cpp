#include "model/store/stored_model.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "model/store/keeper_protocol.h"

namespace lectern::model {

namespace {
Failure changed(const Manifest& manifest, const StoredFile& file, std::string_view what) {
  return fail(Code::kCorrupt, fmt::format("{}/{} {}: the file was damaged or changed after it was added, add it again",
                                          manifest.name, file.name, what));
}

Result<void> fromKeeper(int socket, const std::string& machine, StoredModel& out) {
  const Manifest& manifest = out.manifest;
  TRY_VOID(keeper::send(socket, fmt::format("map {} {}", manifest.name, machine.empty() ? "-" : machine)));
  TRY(auto packet, keeper::receive(socket));
  if (packet.text.empty()) return fail(Code::kUnavailable, "the keeper of the model store ended; start it again");
  if (packet.text.starts_with("error ")) {
    const size_t space = packet.text.find(' ', 6);
    const int code = atoi(packet.text.c_str() + 6);
    const bool known = code >= 0 && code <= static_cast<int>(Code::kInternal) && space != std::string::npos;
    return fail(known ? static_cast<Code>(code) : Code::kInternal, packet.text.substr(known ? space + 1 : 6));
  }
  if (packet.descriptors.size() != manifest.files.size()) {
    return fail(Code::kInternal, "the keeper's answer does not fit the manifest of " + manifest.name);
  }
  for (size_t i = 0; i < manifest.files.size(); ++i) {
    TRY(auto region, WeightRegion::map(packet.descriptors[i].get()));
    if (region.size() != manifest.files[i].size) return changed(manifest, manifest.files[i], "has another size");
    out.regions.push_back(std::move(region));
  }
  return {};
}

Result<void> fromFiles(const std::filesystem::path& folder, StoredModel& out) {
  for (const auto& file : out.manifest.files) {
    std::error_code error;
    const auto size = std::filesystem::file_size(folder / file.name, error);
    if (error) return fail(Code::kNotFound, fmt::format("{}/{} is missing: add the model again", out.manifest.name, file.name));
    if (static_cast<int64_t>(size) != file.size) return changed(out.manifest, file, "has another size than its manifest says");
    TRY(auto region, WeightRegion::load(folder / file.name, file.size));
    if (region.size() != file.size || sha256Hex(region.bytes()) != file.sha256) {
      return changed(out.manifest, file, "has another checksum than its manifest says");
    }
    out.regions.push_back(std::move(region));
  }
  return {};
}
}  // namespace

Result<std::shared_ptr<const StoredModel>> openStored(const std::filesystem::path& store, const std::string& name,
                                                      const std::string& machine) {
  auto out = std::make_shared<StoredModel>();
  TRY(out->manifest, readManifest(store, name, machine));
  if (auto socket = keeper::connectTo(keeper::socketPath(store))) {
    TRY_VOID(fromKeeper(socket->get(), machine, *out));
    out->lease = std::move(*socket);
    out->shared = true;
  } else {
    TRY_VOID(fromFiles(store / name, *out));
  }
  return std::shared_ptr<const StoredModel>(std::move(out));
}

}  // namespace lectern::model
