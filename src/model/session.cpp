#include "model/session.h"

#include <fmt/format.h>

#include <map>
#include <numeric>

#include "model/ort.h"
#include "model/store/weights.h"

namespace lectern::model {

using ort::api;
using ort::checked;
using ort::Owned;

namespace {
int64_t elementsOf(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

using Value = Owned<OrtValue>;
Value ownedValue(OrtValue* value = nullptr) {
  return Value(value, [](OrtValue* v) { api().ReleaseValue(v); });
}

/// Name and shape of one port; the shape is empty for what is no tensor.
Result<Port> describe(OrtSession* session, size_t i, bool input) {
  OrtAllocator* allocator = nullptr;
  TRY_VOID(checked(api().GetAllocatorWithDefaultOptions(&allocator), "allocator"));
  char* name = nullptr;
  TRY_VOID(checked(input ? api().SessionGetInputName(session, i, allocator, &name)
                         : api().SessionGetOutputName(session, i, allocator, &name),
                   "name of a port"));
  Port port{name, {}};
  allocator->Free(allocator, name);
  OrtTypeInfo* raw = nullptr;
  TRY_VOID(checked(input ? api().SessionGetInputTypeInfo(session, i, &raw)
                         : api().SessionGetOutputTypeInfo(session, i, &raw),
                   "type of a port"));
  const Owned<OrtTypeInfo> type(raw, [](OrtTypeInfo* t) { api().ReleaseTypeInfo(t); });
  const OrtTensorTypeAndShapeInfo* tensor = nullptr;
  TRY_VOID(checked(api().CastTypeInfoToTensorInfo(raw, &tensor), "type of a port"));
  if (tensor == nullptr) return port;
  size_t rank = 0;
  TRY_VOID(checked(api().GetDimensionsCount(tensor, &rank), "shape of a port"));
  port.shape.resize(rank);
  TRY_VOID(checked(api().GetDimensions(tensor, port.shape.data(), rank), "shape of a port"));
  return port;
}

Result<TensorView> viewOf(Value value, const std::string& name) {
  OrtTensorTypeAndShapeInfo* info = nullptr;
  TRY_VOID(checked(api().GetTensorTypeAndShape(value.get(), &info), "output shape"));
  const Owned<OrtTensorTypeAndShapeInfo> owner(
      info, [](OrtTensorTypeAndShapeInfo* i) { api().ReleaseTensorTypeAndShapeInfo(i); });
  ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  TRY_VOID(checked(api().GetTensorElementType(info, &type), "output type"));
  if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
    return fail(Code::kInvalid, "the model's output " + name + " is not float32");
  }
  size_t rank = 0;
  TRY_VOID(checked(api().GetDimensionsCount(info, &rank), "output shape"));
  TensorView result;
  result.shape.resize(rank);
  TRY_VOID(checked(api().GetDimensions(info, result.shape.data(), rank), "output shape"));
  float* data = nullptr;
  TRY_VOID(checked(api().GetTensorMutableData(value.get(), reinterpret_cast<void**>(&data)), "output data"));
  result.data = {data, static_cast<size_t>(elementsOf(result.shape))};
  result.owner = std::shared_ptr<OrtValue>(std::move(value));
  return result;
}

Result<Tensor> copyOut(Value value, const std::string& name) {
  TRY(const TensorView view, viewOf(std::move(value), name));
  return Tensor{view.shape, {view.data.begin(), view.data.end()}};
}
}  // namespace

int64_t Tensor::elements() const { return elementsOf(shape); }

struct Session::Impl {
  std::vector<NamedRegion> files;  // weights in place, and the values that point into them
  std::vector<Value> weights;
  OrtSession* session = nullptr;
  OrtMemoryInfo* memory = nullptr;
  std::vector<Port> inputs, outputs;

  ~Impl() {
    if (session != nullptr) api().ReleaseSession(session);
    if (memory != nullptr) api().ReleaseMemoryInfo(memory);
  }

  Result<void> finish() {
    TRY_VOID(checked(api().CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory), "memory info"));
    size_t in = 0, out = 0;
    TRY_VOID(checked(api().SessionGetInputCount(session, &in), "inputs"));
    TRY_VOID(checked(api().SessionGetOutputCount(session, &out), "outputs"));
    for (size_t i = 0; i < in; ++i) {
      TRY(auto port, describe(session, i, true));
      inputs.push_back(std::move(port));
    }
    for (size_t i = 0; i < out; ++i) {
      TRY(auto port, describe(session, i, false));
      outputs.push_back(std::move(port));
    }
    if (inputs.empty() || outputs.empty()) return fail(Code::kInvalid, "the model has no input or no output");
    return {};
  }

  /// Gives ONNX Runtime the tensors of `tensors` where they lie in `files`.
  Result<void> addWeights(OrtSessionOptions* options, const std::vector<ExternalTensor>& tensors);

  Result<Value> view(std::span<const float> data, std::span<const int64_t> shape) const {
    OrtValue* value = nullptr;
    TRY_VOID(checked(api().CreateTensorWithDataAsOrtValue(memory, const_cast<float*>(data.data()), data.size_bytes(),
                                                          shape.data(), shape.size(),
                                                          ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &value),
                     "input tensor"));
    return ownedValue(value);
  }

  Result<std::vector<Value>> invoke(const OrtRunOptions* options, std::span<const Value> in,
                                    std::span<const std::string> wanted) const;
};

Result<void> Session::Impl::addWeights(OrtSessionOptions* options, const std::vector<ExternalTensor>& tensors) {
  OrtMemoryInfo* raw = nullptr;
  TRY_VOID(checked(api().CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &raw), "memory info"));
  const Owned<OrtMemoryInfo> place(raw, [](OrtMemoryInfo* m) { api().ReleaseMemoryInfo(m); });
  std::map<std::string, const WeightRegion*> regions;
  for (const auto& file : files) regions[file.name] = file.region.get();
  for (const auto& t : tensors) {
    const auto found = regions.find(t.location);
    if (found == regions.end()) return fail(Code::kNotFound, "the model's weights " + t.location + " are missing");
    if (t.length > found->second->size() - t.offset) {
      return fail(Code::kCorrupt, t.location + " is too short for the tensor " + t.name + ": fetch it again");
    }
    OrtValue* value = nullptr;
    auto* data = const_cast<std::byte*>(found->second->data()) + t.offset;
    TRY_VOID(checked(api().CreateTensorWithDataAsOrtValue(place.get(), data, static_cast<size_t>(t.length),
                                                          t.shape.data(), t.shape.size(),
                                                          static_cast<ONNXTensorElementDataType>(t.data_type), &value),
                     "weights " + t.name));
    weights.push_back(ownedValue(value));
    TRY_VOID(checked(api().AddInitializer(options, t.name.c_str(), value), "weights " + t.name));
  }
  return {};
}

Result<std::vector<Value>> Session::Impl::invoke(const OrtRunOptions* options, std::span<const Value> in,
                                                 std::span<const std::string> wanted) const {
  if (in.size() != inputs.size()) {
    return fail(Code::kInvalid, fmt::format("the model has {} inputs, not {}", inputs.size(), in.size()));
  }
  std::vector<const char*> in_names, out_names;
  std::vector<const OrtValue*> in_values;
  for (size_t i = 0; i < in.size(); ++i) {
    in_names.push_back(inputs[i].name.c_str());
    in_values.push_back(in[i].get());
  }
  for (const auto& name : wanted) out_names.push_back(name.c_str());
  std::vector<OrtValue*> raw(wanted.size(), nullptr);
  auto done = checked(api().Run(session, options, in_names.data(), in_values.data(), in.size(), out_names.data(),
                                out_names.size(), raw.data()),
                      "run model");
  std::vector<Value> out;
  for (OrtValue* value : raw) out.push_back(ownedValue(value));
  if (!done) return Failure(done.error());
  return out;
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::load(const std::filesystem::path& path, const SessionOptions& options) {
  TRY(OrtEnv * env, ort::environment());
  TRY(auto configured, ort::sessionOptions(options));
  auto impl = std::make_unique<Impl>();
  TRY_VOID(checked(api().CreateSession(env, path.c_str(), configured.get(), &impl->session),
                   "load model " + path.filename().string()));
  TRY_VOID(impl->finish());
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

namespace {
Result<OrtSession*> fromBytes(std::span<const std::byte> bytes, OrtSessionOptions* options, const std::string& name) {
  TRY(OrtEnv * env, ort::environment());
  // Weights of an .ort file stay in the caller's memory; both keys mean nothing to other formats.
  for (const char* key : {"session.use_ort_model_bytes_directly", "session.use_ort_model_bytes_for_initializers"}) {
    TRY_VOID(ort::setEntry(options, key, "1"));
  }
  OrtSession* session = nullptr;
  TRY_VOID(checked(api().CreateSessionFromArray(env, bytes.data(), bytes.size(), options, &session), "load " + name));
  return session;
}
}  // namespace

Result<std::unique_ptr<Session>> Session::loadBytes(std::span<const std::byte> bytes, const SessionOptions& options) {
  TRY(auto configured, ort::sessionOptions(options));
  auto impl = std::make_unique<Impl>();
  TRY(impl->session, fromBytes(bytes, configured.get(), "model"));
  TRY_VOID(impl->finish());
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

Result<std::vector<NamedRegion>> Session::openFiles(const std::filesystem::path& path) {
  std::vector<NamedRegion> files;
  const auto add = [&files](const std::filesystem::path& file, int64_t size) -> Result<void> {
    TRY(auto region, WeightRegion::open(file, size));
    files.push_back({file.filename().string(), std::make_shared<WeightRegion>(std::move(region))});
    return {};
  };
  TRY_VOID(add(path, 0));
  if (path.extension() == ".ort") return files;
  TRY(auto tensors, externalTensors(files[0].region->bytes()));
  std::map<std::string, int64_t> sizes;
  for (const auto& t : tensors) sizes[t.location] = std::max(sizes[t.location], t.offset + t.length);
  for (const auto& [location, size] : sizes) TRY_VOID(add(path.parent_path() / location, size));
  return files;
}

Result<std::unique_ptr<Session>> Session::loadShared(const std::filesystem::path& path, int threads) {
  TRY(auto files, openFiles(path));
  // Optimisation would fold and pack copies of the weights: it belongs to the time of deployment.
  SessionOptions options{.threads = threads, .prepack = false, .optimize = false};
  return loadRegions(std::move(files), path.parent_path(), options);
}

Result<std::unique_ptr<Session>> Session::loadRegions(std::vector<NamedRegion> files,
                                                      const std::filesystem::path& folder, SessionOptions& options) {
  if (files.empty()) return fail(Code::kInvalid, "a model has at least one file");
  auto impl = std::make_unique<Impl>();
  impl->files = std::move(files);
  const std::string& name = impl->files[0].name;
  const std::string_view bytes = impl->files[0].region->bytes();
  std::vector<ExternalTensor> tensors;
  if (!name.ends_with(".ort")) {
    TRY(tensors, externalTensors(bytes));
  }
  const auto create = [&]() -> Result<OrtSession*> {
    TRY(auto configured, ort::sessionOptions(options));
    // What fails may still work without the optimiser, so ONNX Runtime prints no fault; the last one is returned.
    TRY_VOID(checked(api().SetSessionLogSeverityLevel(configured.get(), ORT_LOGGING_LEVEL_FATAL), "session options"));
    impl->weights.clear();
    TRY_VOID(impl->addWeights(configured.get(), tensors));
    if (!name.ends_with(".ort")) {
      TRY_VOID(ort::setEntry(configured.get(), "session.model_external_initializers_file_folder_path",
                             folder.empty() ? "." : folder.c_str()));
    }
    return fromBytes(std::as_bytes(std::span(bytes)), configured.get(), name);
  };
  auto session = create();
  if (!session && options.optimize && !tensors.empty()) {
    // Some rewritings of the optimiser look for a tensor's file beside the model's, and bytes in memory have no place.
    options.optimize = false;
    session = create();
  }
  if (!session) return Failure(session.error());
  impl->session = *session;
  TRY_VOID(impl->finish());
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

const std::vector<Port>& Session::inputs() const { return impl_->inputs; }
const std::vector<Port>& Session::outputs() const { return impl_->outputs; }

Result<Tensor> Session::run(std::span<const float> input, std::span<const int64_t> shape) const {
  TRY(auto view, impl_->view(input, shape));
  const std::string& output = impl_->outputs[0].name;
  TRY(auto values, impl_->invoke(nullptr, {&view, 1}, {&output, 1}));
  return copyOut(std::move(values[0]), output);
}

Result<TensorView> Session::runInPlace(std::span<const float> input, std::span<const int64_t> shape) const {
  TRY(auto view, impl_->view(input, shape));
  const std::string& output = impl_->outputs[0].name;
  TRY(auto values, impl_->invoke(nullptr, {&view, 1}, {&output, 1}));
  return viewOf(std::move(values[0]), output);
}

Result<std::vector<Tensor>> Session::runAll(std::span<const Tensor> inputs,
                                            std::span<const std::string> outputs) const {
  std::vector<std::string> all;
  if (outputs.empty()) {
    for (const auto& port : impl_->outputs) all.push_back(port.name);
    outputs = all;
  }
  std::vector<Value> views;
  for (const auto& input : inputs) {
    TRY(auto view, impl_->view(input.data, input.shape));
    views.push_back(std::move(view));
  }
  TRY(auto values, impl_->invoke(nullptr, views, outputs));
  std::vector<Tensor> results;
  for (size_t i = 0; i < values.size(); ++i) {
    TRY(auto tensor, copyOut(std::move(values[i]), outputs[i]));
    results.push_back(std::move(tensor));
  }
  return results;
}

Result<Tensor> Session::warmUp(std::span<const float> input, std::span<const int64_t> shape) const {
  OrtRunOptions* raw = nullptr;
  TRY_VOID(checked(api().CreateRunOptions(&raw), "run options"));
  const Owned<OrtRunOptions> options(raw, [](OrtRunOptions* o) { api().ReleaseRunOptions(o); });
  TRY_VOID(checked(api().AddRunConfigEntry(raw, "memory.enable_memory_arena_shrinkage", "cpu:0"), "run options"));
  TRY(auto view, impl_->view(input, shape));
  const std::string& output = impl_->outputs[0].name;
  TRY(auto values, impl_->invoke(raw, {&view, 1}, {&output, 1}));
  return copyOut(std::move(values[0]), output);
}

std::string Session::metadata(const std::string& key) const {
  OrtModelMetadata* raw = nullptr;
  if (!checked(api().SessionGetModelMetadata(impl_->session, &raw), "metadata")) return {};
  const Owned<OrtModelMetadata> owner(raw, [](OrtModelMetadata* m) { api().ReleaseModelMetadata(m); });
  OrtAllocator* allocator = nullptr;
  char* value = nullptr;
  if (!checked(api().GetAllocatorWithDefaultOptions(&allocator), "allocator")) return {};
  if (!checked(api().ModelMetadataLookupCustomMetadataMap(raw, allocator, key.c_str(), &value), "metadata")) return {};
  if (value == nullptr) return {};
  std::string text = value;
  allocator->Free(allocator, value);
  return text;
}

}  // namespace lectern::model
