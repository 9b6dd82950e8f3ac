#pragma once
// Where model files are found: $LECTERN_MODELS, then the asset folder, then the folder `models` beside the checkout or
// bundle.

#include <filesystem>
#include <string>

#include "base/result.h"

namespace lectern::model {

struct ModelFile {
  std::string name;  // "ppocr-v6-det-small"
  std::filesystem::path path;
};

/// The file NAME.onnx; kNotFound with what to run when it is nowhere.
Result<ModelFile> findModel(const std::string& name);

/// SHA-256 of a model file. Remembered per process by path, size and change time, since a page should not pay for it.
Result<std::string> modelSha256(const std::filesystem::path& path);

}  // namespace lectern::model
