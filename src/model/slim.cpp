#include "model/slim.h"

#include <fmt/format.h>

#include "model/formats/checkpoint.h"
#include "model/formats/graph_def.h"
#include "model/formats/mapped_file.h"
#include "model/formats/onnx_file.h"
#include "model/formats/pytorch.h"
#include "model/formats/safetensors.h"

namespace lectern::model {

namespace {
enum class Kind { kOnnx, kGraphDef, kCheckpoint, kPytorch, kSafetensors };

Result<Kind> kindOf(const std::filesystem::path& file) {
  const auto index = formats::checkpointPrefix(file).string() + ".index";
  const std::string name = file.filename().string();
  const bool part = name.ends_with(".index") || name.ends_with(".meta") || name.find(".data-") != std::string::npos;
  std::error_code ignored;
  if (std::filesystem::exists(index, ignored) && (part || !std::filesystem::exists(file, ignored))) {
    return Kind::kCheckpoint;
  }
  TRY(const auto mapped, formats::MappedFile::open(file));
  const auto bytes = mapped.bytes();
  if (bytes.starts_with("PK\3\4")) return Kind::kPytorch;
  if (bytes.size() > 9 && bytes[8] == '{') return Kind::kSafetensors;
  // Both are Protocol Buffers: a model begins with its version number, a graph with its first node.
  if (bytes[0] == '\x08') return Kind::kOnnx;
  if (bytes[0] == '\x0a') return Kind::kGraphDef;
  if (bytes.starts_with("\x89HDF")) return fail(Code::kInvalid, name + ": HDF5 is not read; export to ONNX");
  if (bytes[0] == '\x80') return fail(Code::kInvalid, name + ": a bare pickle; save it again with torch 1.6 or later");
  return fail(Code::kInvalid, name + ": no ONNX, TensorFlow, PyTorch or safetensors file");
}
}  // namespace

Result<FileReport> inspectModel(const std::filesystem::path& file, const std::vector<std::string>& outputs) {
  TRY(const Kind kind, kindOf(file));
  switch (kind) {
    case Kind::kOnnx:
      return formats::inspectOnnx(file);
    case Kind::kGraphDef:
      return formats::inspectGraphDef(file, outputs);
    case Kind::kCheckpoint:
      return formats::inspectCheckpoint(file);
    case Kind::kPytorch:
      return formats::inspectPytorch(file);
    case Kind::kSafetensors:
      return formats::inspectSafetensors(file);
  }
  return fail(Code::kInternal, "unknown kind of model");
}

Result<SlimReport> slimModel(const std::filesystem::path& file, const std::filesystem::path& out,
                             const SlimOptions& options) {
  TRY(const Kind kind, kindOf(file));
  std::error_code ignored;
  if (std::filesystem::equivalent(file, out, ignored)) {
    return fail(Code::kInvalid, "the output is the input; give another name with -o");
  }
  switch (kind) {
    case Kind::kOnnx:
      return formats::slimOnnx(file, out);
    case Kind::kGraphDef:
      return formats::slimGraphDef(file, out, options);
    case Kind::kCheckpoint:
      return formats::slimCheckpoint(file, out, options);
    case Kind::kPytorch:
      return formats::slimPytorch(file, out);
    case Kind::kSafetensors:
      return formats::slimSafetensors(file, out);
  }
  return fail(Code::kInternal, "unknown kind of model");
}

json::value toJson(const FileReport& report) {
  json::array tensors;
  int64_t weights = 0, droppable = 0;
  for (const auto& t : report.tensors) {
    (t.role == formats::Role::kWeight ? weights : droppable) += t.bytes;
    tensors.push_back({{"name", t.name}, {"dtype", t.dtype}, {"shape", json::value_from(t.shape)}, {"bytes", t.bytes},
                       {"role", formats::roleName(t.role)}});
  }
  return {{"format", report.format},     {"file_bytes", report.file_bytes},
          {"weight_bytes", weights},     {"droppable_bytes", droppable},
          {"tensors", std::move(tensors)}, {"operators", json::value_from(report.operators)},
          {"training_operators", json::value_from(report.training_operators)}};
}

json::value toJson(const SlimReport& report) {
  json::array dropped;
  for (const auto& d : report.dropped) {
    dropped.push_back({{"name", d.name}, {"bytes", d.bytes}, {"why", formats::roleName(d.role)}});
  }
  return {{"before_bytes", report.before_bytes}, {"after_bytes", report.after_bytes}, {"dropped", std::move(dropped)}};
}

}  // namespace lectern::model
