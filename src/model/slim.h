#pragma once
// Looking into model files and leaving out what inference does not need. The format is found by content.

#include <filesystem>

#include "base/json.h"
#include "base/result.h"
#include "model/formats/model_file.h"

namespace lectern::model {

using formats::FileReport;
using formats::SlimOptions;
using formats::SlimReport;

/// Lists what a model file holds. `outputs` name the outputs of a TensorFlow graph, which has none of its own.
Result<FileReport> inspectModel(const std::filesystem::path& file, const std::vector<std::string>& outputs = {});

/// Writes the same format without optimiser slots, moving averages, counters and unused nodes. What stays keeps its
/// bytes. `out` is a file, or the prefix of a checkpoint; it must not be the input.
Result<SlimReport> slimModel(const std::filesystem::path& file, const std::filesystem::path& out,
                             const SlimOptions& options);

/// {"format","file_bytes","weight_bytes","droppable_bytes","tensors":[...],"operators":{...},"training_operators":{...}}
json::value toJson(const FileReport& report);
/// {"before_bytes","after_bytes","dropped":[{"name","bytes","why"}]}
json::value toJson(const SlimReport& report);

}  // namespace lectern::model
