#pragma once
// One ONNX model, ready to run. ONNX Runtime behind an interface without its headers.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace lectern::model {

struct SessionOptions {
  int threads = 1;  // inside one run
  /// Weights are used where they lie instead of being copied into kernel-friendly form: starts fast and shares
  /// memory, costs nothing for single inputs, and up to twice the time for batched matrix products.
  bool prepack = true;
  bool optimize = true;
};

/// A dense float32 tensor in row-major order.
struct Tensor {
  std::vector<int64_t> shape;
  std::vector<float> data;
  int64_t elements() const;
};

class Session {
 public:
  /// Loads a model file. kNotFound, kCorrupt or kInternal with ONNX Runtime's own words.
  static Result<std::unique_ptr<Session>> load(const std::filesystem::path& path, const SessionOptions& options);
  /// Loads a model from bytes that must outlive the session (an .onnx or an .ort file in memory).
  static Result<std::unique_ptr<Session>> loadBytes(std::span<const std::byte> bytes, const SessionOptions& options);
  /// Loads an .onnx file whose weights are in a file beside it, over a region of 2 MB pages that forks of this process
  /// share: nothing is copied or packed, whatever the size. kCorrupt when the weights are cut off.
  static Result<std::unique_ptr<Session>> loadShared(const std::filesystem::path& path, int threads = 1);
  ~Session();
  Session(const Session&) = delete;

  /// Runs the first input to the first output. The input's memory is used in place. Thread-safe.
  Result<Tensor> run(std::span<const float> input, std::span<const int64_t> shape) const;

  /// The model's own metadata ("character" holds a recogniser's alphabet); empty when absent.
  std::string metadata(const std::string& key) const;

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lectern::model
