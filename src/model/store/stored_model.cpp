#include "model/store/stored_model.h"

#include <fmt/format.h>

namespace lectern::model {

namespace {
Failure changed(const Manifest& manifest, const StoredFile& file, std::string_view what) {
  return fail(Code::kCorrupt, fmt::format("{}/{} {}: the file was damaged or changed after it was added, add it again",
                                          manifest.name, file.name, what));
}

}  // namespace

Result<std::shared_ptr<const StoredModel>> openStored(const std::filesystem::path& store, const std::string& name,
                                                      const std::string& machine) {
  auto out = std::make_shared<StoredModel>();
  TRY(out->manifest, readManifest(store, name, machine));
  for (const auto& file : out->manifest.files) {
    const auto path = store / name / file.name;
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (error) return fail(Code::kNotFound, fmt::format("{}/{} is missing: add the model again", name, file.name));
    if (static_cast<int64_t>(size) != file.size) return changed(out->manifest, file, "has another size than its manifest says");
    TRY(auto region, WeightRegion::open(path, file.size));
    if (region.size() != file.size || region.sha256() != file.sha256) {
      return changed(out->manifest, file, "has another checksum than its manifest says");
    }
    out->regions.push_back(std::move(region));
  }
  return std::shared_ptr<const StoredModel>(std::move(out));
}

}  // namespace lectern::model
