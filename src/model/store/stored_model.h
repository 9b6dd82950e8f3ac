#pragma once
// A model of the store in memory: the machine's one copy where there is a keeper, else a copy of this process. Either way
// its bytes are those of the manifest or there is an error.

#include <memory>

#include "model/store/manifest.h"
#include "model/store/weights.h"

namespace lectern::model {

struct StoredModel {
  Manifest manifest;
  std::vector<WeightRegion> regions;  // in the order of manifest.files
};

/// kNotFound, kCorrupt (cut off, damaged, changed since it was added).
Result<std::shared_ptr<const StoredModel>> openStored(const std::filesystem::path& store, const std::string& name,
                                                      const std::string& machine = "");

}  // namespace lectern::model
