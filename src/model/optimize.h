#pragma once
// The graph of a model, optimised once for this kind of machine and kept as a file: constants folded, operators fused,
// convolutions laid out as the processor likes them. Starting from such a file costs no time that grows with the model.

#include <filesystem>
#include <string>

#include "base/result.h"

namespace lectern::model {

/// What an optimised graph depends on: processor features and version of ONNX Runtime, such as "x86_64-avx2-ort1.24.2".
std::string machineKind();

struct OptimizeReport {
  std::filesystem::path data;  // the file of the weights; empty when they are in the model
  int64_t before_bytes = 0;    // weights included
  int64_t after_bytes = 0;
};

/// Writes the optimised graph. OUT.ort holds everything; OUT.onnx keeps weights in OUT.onnx.data when they pass 1 GB,
/// when those of the model are in another file, or when `external` is set. kTooLarge for an .ort file of 2 GB or more,
/// which the format cannot hold.
Result<OptimizeReport> optimizeModel(const std::filesystem::path& in, const std::filesystem::path& out,
                                     bool external = false);

/// The optimised form of a model for this machine, made when the folder does not hold it:
/// CACHE/SHA256-MACHINE.ort, or .onnx for weights of 1 GB and more. Ready for Session::loadShared().
Result<std::filesystem::path> optimizedModel(const std::filesystem::path& in, const std::filesystem::path& cache);

/// Bytes of a model with the files its weights are in.
Result<int64_t> modelBytes(const std::filesystem::path& model);

}  // namespace lectern::model
