#pragma once
// Weights in memory that is loaded once and shared: a region of 2 MB pages, read-only after loading, that forks of the
// process use without copying. With 4 KB pages the first read after a fork costs seconds for gigabytes.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace lectern::model {

/// A file's bytes in such a region. The memory stays until the object goes; it must outlive sessions over it.
class WeightRegion {
 public:
  /// Reads the file; kNotFound, kCorrupt when it has not `expected_size` bytes (0: any), kUnavailable without memory.
  static Result<WeightRegion> load(const std::filesystem::path& path, int64_t expected_size = 0);
  /// The same bytes, by way of the machine's keeper where there is one: then all functions of the machine that open a file
  /// with these bytes use one physical copy. A copy of this process's own, and a warning, when the keeper cannot.
  static Result<WeightRegion> open(const std::filesystem::path& path, int64_t expected_size = 0);
  /// True when this process was told of a keeper.
  static bool sharing();
  /// Maps a file that nobody changes any more, such as the keeper's: one physical copy for all who map it.
  static Result<WeightRegion> map(int descriptor);
  WeightRegion(WeightRegion&& other) noexcept;
  WeightRegion& operator=(WeightRegion&&) = delete;
  ~WeightRegion();
  const std::byte* data() const { return data_; }
  int64_t size() const { return size_; }
  std::string_view bytes() const { return {reinterpret_cast<const char*>(data_), static_cast<size_t>(size_)}; }
  /// True when it is the keeper's copy, which counts as in use as long as this object lives.
  bool shared() const { return lease_.valid(); }
  std::string sha256() const;

 private:
  WeightRegion() = default;
  std::byte* data_ = nullptr;
  int64_t size_ = 0, mapped_ = 0;  // mapped_ from data_ on, in whole pages of 2 MB
  Fd lease_;                       // the connection to the keeper
  std::string sha256_;             // as the keeper says
};

/// A tensor of an ONNX model whose bytes are in another file.
struct ExternalTensor {
  std::string name;
  int data_type = 0;  // ONNX's number; 1 is float32
  std::vector<int64_t> shape;
  std::string location;  // file beside the model; never outside its folder
  int64_t offset = 0, length = 0;
};

/// The external tensors of an ONNX model, from its bytes. kCorrupt for what is no model or lies about its sizes.
Result<std::vector<ExternalTensor>> externalTensors(std::string_view model);

}  // namespace lectern::model
