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

class WeightRegion;

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

/// An output where the run left it.
struct TensorView {
  std::vector<int64_t> shape;
  std::span<const float> data;
  std::shared_ptr<const void> owner;  // of the data
};

/// An input or output of a model; -1 in the shape is a size that each run chooses.
struct Port {
  std::string name;
  std::vector<int64_t> shape;
};

/// A file of a model and its bytes; "m.onnx" and, for large models, the files its weights are in.
struct NamedRegion {
  std::string name;
  std::shared_ptr<const WeightRegion> region;
};

class Session {
 public:
  /// Loads a model file. kNotFound, kCorrupt or kInternal with ONNX Runtime's own words.
  static Result<std::unique_ptr<Session>> load(const std::filesystem::path& path, const SessionOptions& options);
  /// Loads a model from bytes that must outlive the session (an .onnx or an .ort file in memory).
  static Result<std::unique_ptr<Session>> loadBytes(std::span<const std::byte> bytes, const SessionOptions& options);
  /// A model's file and those beside it that hold its weights, in regions of 2 MB pages that forks of this process share,
  /// and all functions of the machine where it has a keeper. kCorrupt when the weights are cut off.
  static Result<std::vector<NamedRegion>> openFiles(const std::filesystem::path& path);
  /// Loads an .ort file, or an .onnx file whose weights are in files beside it, over such regions: nothing is copied,
  /// packed or optimised, whatever the size; the file should be one that optimizeModel() wrote.
  static Result<std::unique_ptr<Session>> loadShared(const std::filesystem::path& path, int threads = 1);
  /// The same over regions that exist, the model first. Bytes are used from the regions alone; `folder` is where
  /// ONNX Runtime believes the files of the weights to be. Optimising and packing make copies. A graph that cannot be
  /// optimised over weights in memory is used as it is, and `options` says so from then on: the next load tries no more.
  static Result<std::unique_ptr<Session>> loadRegions(std::vector<NamedRegion> files,
                                                      const std::filesystem::path& folder, SessionOptions& options);
  ~Session();
  Session(const Session&) = delete;

  /// Runs the first input to the first output. The input's memory is used in place. Thread-safe. kInvalid when the
  /// output is not float32.
  Result<Tensor> run(std::span<const float> input, std::span<const int64_t> shape) const;
  /// The same without copying the output, which is tens of megabytes for a batch of lines.
  Result<TensorView> runInPlace(std::span<const float> input, std::span<const int64_t> shape) const;
  /// Runs all inputs, in the order of inputs(), to the named outputs (none: all).
  Result<std::vector<Tensor>> runAll(std::span<const Tensor> inputs, std::span<const std::string> outputs = {}) const;
  /// Runs once and then gives the memory of activations back, so that copies of this process do not inherit it.
  Result<Tensor> warmUp(std::span<const float> input, std::span<const int64_t> shape) const;

  const std::vector<Port>& inputs() const;
  const std::vector<Port>& outputs() const;

  /// The model's own metadata ("character" holds a recogniser's alphabet); empty when absent.
  std::string metadata(const std::string& key) const;

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lectern::model
