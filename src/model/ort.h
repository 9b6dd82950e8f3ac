#pragma once
// What the files of this folder share about ONNX Runtime's C API. Nobody outside of the folder includes this.

#include <onnxruntime_c_api.h>

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "model/session.h"

namespace lectern::model::ort {

const OrtApi& api();

/// kNotFound, kCorrupt or kInternal with ONNX Runtime's own words after "doing: "; releases the status.
Result<void> checked(OrtStatus* status, std::string_view doing);

/// One environment a process, made on first use and kept: sessions may live until the process ends.
Result<OrtEnv*> environment();

template <typename T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

/// Options with the project's settings: no spinning threads, no memory patterns.
Result<Owned<OrtSessionOptions>> sessionOptions(const SessionOptions& options);

Result<void> setEntry(OrtSessionOptions* options, const char* key, const char* value);

enum class Level { kBasic, kAll };
/// Loads `in` and writes the optimised graph to `out` (ORT format when it ends in .ort). `data_file` non-empty: weights
/// of 1 KB and more go into that file beside `out`. kBasic keeps to standard operators, kAll fits this processor.
Result<void> writeOptimized(const std::filesystem::path& in, const std::filesystem::path& out, Level level,
                            const std::string& data_file);

}  // namespace lectern::model::ort
