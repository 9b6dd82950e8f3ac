#pragma once
// safetensors: a JSON header with places, then bytes.

#include "model/formats/model_file.h"

namespace lectern::model::formats {

Result<FileReport> inspectSafetensors(const std::filesystem::path& file);

/// Leaves out tensors whose names say optimiser or moving average ("optimizer.", "ema.", "...exp_avg").
Result<SlimReport> slimSafetensors(const std::filesystem::path& file, const std::filesystem::path& out);

}  // namespace lectern::model::formats
