#pragma once
// ONNX models.

#include "model/formats/model_file.h"

namespace lectern::model::formats {

Result<FileReport> inspectOnnx(const std::filesystem::path& file);

/// Leaves out nodes and initialisers that no output needs, training information and doc strings.
Result<SlimReport> slimOnnx(const std::filesystem::path& file, const std::filesystem::path& out);

}  // namespace lectern::model::formats
