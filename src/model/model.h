#pragma once
// A large model in a function:
//
//   auto model = lectern::model::Model::load("classifier");       // at init: a name in the store, or a path
//   model->warmUp({1, 3, 224, 224});
//   lectern::onAfterRestore([&] { model->setThreads(lectern::model::threadsOfShare()); });
//   lectern::run([&](std::string event, const lectern::Context&) { ... model->run(pixels, {1, 3, 224, 224}) ... });
//
// Weights are mapped, not read: all functions of a machine that open a model use one copy of it, since the engine has a
// keeper of weights. Where there is none (on AWS) each process has its own.

#include <memory>
#include <string>

#include "model/session.h"

namespace lectern::model {

class Model {
 public:
  /// A name in the store $LECTERN_MODEL_STORE, in its form for this machine (made when the store lacks it and may be
  /// written to), or the path of an .onnx or .ort file. One thread, so that the process can be a snapshot's template.
  /// kNotFound, kCorrupt, kNoSpace with what to do.
  static Result<std::unique_ptr<Model>> load(const std::string& name_or_path);

  /// Runs once on zeros and gives the memory of activations back. kInvalid when the shape does not fit.
  Result<void> warmUp(const std::vector<int64_t>& shape) const;
  /// First input to first output; see Session.
  Result<Tensor> run(std::span<const float> input, std::span<const int64_t> shape) const;
  Result<std::vector<Tensor>> runAll(std::span<const Tensor> inputs, std::span<const std::string> outputs = {}) const;
  const std::vector<Port>& inputs() const { return session_->inputs(); }
  const std::vector<Port>& outputs() const { return session_->outputs(); }
  std::string metadata(const std::string& key) const { return session_->metadata(key); }

  /// Makes the session anew with so many threads over the same weights; call it after a restore, when nothing runs. A
  /// number that is set already changes nothing.
  Result<void> setThreads(int threads);

 private:
  Model() = default;
  static Result<std::unique_ptr<Model>> loadFile(const std::filesystem::path& path);
  std::vector<NamedRegion> files_;
  std::filesystem::path folder_;
  SessionOptions options_;
  std::unique_ptr<Session> session_;
};

/// Threads that the function's share of processors carries: its memory over 1769 MB, rounded up, at most the machine's.
int threadsOfShare();

}  // namespace lectern::model
