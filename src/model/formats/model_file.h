#pragma once
// What the readers of this folder have in common.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lectern::model::formats {

enum class Role {
  kWeight,     // needed for inference
  kOptimizer,  // slots of an optimiser: Adam's moments and their like
  kAverage,    // moving average of a weight that is there itself
  kTraining,   // counters, schedules, training-only nodes
  kUnused,     // nothing that leads to an output reads it
};
std::string_view roleName(Role role);

struct TensorInfo {
  std::string name;
  std::string dtype;  // "float32"
  std::vector<int64_t> shape;
  int64_t bytes = 0;
  Role role = Role::kWeight;
};

/// Everything `lectern model inspect` shows of a file.
struct FileReport {
  std::string format;  // "onnx", "tensorflow-graph", "tensorflow-checkpoint", "pytorch", "safetensors"
  int64_t file_bytes = 0;
  std::vector<TensorInfo> tensors;
  std::map<std::string, int64_t> operators;  // of graphs: count by kind
  std::map<std::string, int64_t> training_operators;
};

struct Dropped {
  std::string name;
  int64_t bytes = 0;
  Role role = Role::kUnused;
};

struct SlimReport {
  int64_t before_bytes = 0;
  int64_t after_bytes = 0;
  std::vector<Dropped> dropped;
};

struct SlimOptions {
  std::vector<std::string> outputs;  // of a graph that does not name its own; empty: its sinks
  /// A weight takes the value of its moving average, which training code often means to be used.
  bool use_averages = false;
};

}  // namespace lectern::model::formats
