#pragma once
// TensorFlow graphs (GraphDef), frozen or not.

#include "model/formats/model_file.h"

namespace lectern::model::formats {

Result<FileReport> inspectGraphDef(const std::filesystem::path& file, const std::vector<std::string>& outputs);

/// Leaves out nodes that no output needs. Without named outputs, every node that nobody reads is one, unless it belongs
/// to training, saving or start-up, or is a mere constant.
Result<SlimReport> slimGraphDef(const std::filesystem::path& file, const std::filesystem::path& out,
                                const SlimOptions& options);

}  // namespace lectern::model::formats
