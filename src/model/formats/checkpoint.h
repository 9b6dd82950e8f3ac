#pragma once
// TensorFlow checkpoints (V2): PREFIX.index, a sorted table of tensors, and PREFIX.data-00000-of-0000N with their bytes.

#include <functional>

#include "model/formats/model_file.h"

namespace lectern::model::formats {

/// The prefix for any of the checkpoint's files: "m.ckpt.index", "m.ckpt.data-00000-of-00001", "m.ckpt.meta", "m.ckpt".
std::filesystem::path checkpointPrefix(const std::filesystem::path& any_file);

Result<FileReport> inspectCheckpoint(const std::filesystem::path& any_file);

/// Writes OUT.index and OUT.data-00000-of-00001; checksums of what is copied are checked.
Result<SlimReport> slimCheckpoint(const std::filesystem::path& any_file, const std::filesystem::path& out,
                                  const SlimOptions& options);

/// A tensor for writeCheckpoint: `type` is TensorFlow's number (1 float32, 9 int64).
struct CheckpointTensor {
  std::string name;
  int type = 1;
  std::vector<int64_t> shape;
  std::string bytes;
};
/// Writes a checkpoint. `make(i)` gives the i-th tensor; names must come in ascending order.
Result<void> writeCheckpoint(const std::filesystem::path& prefix, size_t count,
                             const std::function<CheckpointTensor(size_t)>& make);

}  // namespace lectern::model::formats
