#pragma once
// PyTorch files: a zip of one pickle and one file a storage (torch.save since 1.6).

#include "model/formats/model_file.h"

namespace lectern::model::formats {

Result<FileReport> inspectPytorch(const std::filesystem::path& file);

/// Leaves out the top-level entries of optimiser, schedule, averages and counters, and the storages only they used.
/// A file that is a plain state dictionary keeps every entry.
Result<SlimReport> slimPytorch(const std::filesystem::path& file, const std::filesystem::path& out);

}  // namespace lectern::model::formats
