#pragma once
// A model of the store in memory: the keeper's one copy when a keeper runs for the store, else a copy of this process.
// Either way its bytes are those of the manifest or there is an error.

#include <memory>

#include "base/files.h"
#include "model/store/manifest.h"
#include "model/store/weights.h"

namespace lectern::model {

struct StoredModel {
  Manifest manifest;
  std::vector<WeightRegion> regions;  // in the order of manifest.files
  bool shared = false;                // the keeper's copy
  Fd lease;                           // while it is open the keeper counts the model as in use
};

/// kNotFound, kCorrupt (cut off, damaged, changed since it was added), kNoSpace when the keeper's budget is taken.
Result<std::shared_ptr<const StoredModel>> openStored(const std::filesystem::path& store, const std::string& name,
                                                      const std::string& machine = "");

}  // namespace lectern::model
