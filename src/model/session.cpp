#include "model/session.h"

#include <onnxruntime_c_api.h>

#include <cstdlib>
#include <map>
#include <numeric>

#include "base/check.h"
#include "base/files.h"
#include "model/store/weights.h"

namespace lectern::model {

namespace {

// The table of functions is the same from this version on: a bundle may carry an older and smaller library than the header's.
constexpr uint32_t kApiVersion = 18;

const OrtApi& api() {
  static const OrtApi* const pointer = OrtGetApiBase()->GetApi(kApiVersion);
  CHECK(pointer != nullptr);
  return *pointer;
}

Result<void> checked(OrtStatus* status, std::string_view doing) {
  if (status == nullptr) return {};
  const OrtErrorCode ort_code = api().GetErrorCode(status);
  std::string message = std::string(doing) + ": " + api().GetErrorMessage(status);
  api().ReleaseStatus(status);
  const bool corrupt = ort_code == ORT_INVALID_PROTOBUF || ort_code == ORT_INVALID_GRAPH;
  const Code code = ort_code == ORT_NO_SUCHFILE ? Code::kNotFound : corrupt ? Code::kCorrupt : Code::kInternal;
  return fail(code, std::move(message));
}

/// One environment a process, made on first use and kept: sessions may live until the process ends.
Result<OrtEnv*> environment() {
  struct Made {
    OrtEnv* env = nullptr;
    Error error;
  };
  static const Made made = [] {
    Made m;
    // The official build sends usage data from a thread of its own unless told not to; documents are nobody's
    // business, and a process with a thread cannot be forked from a snapshot.
    setenv("ORT_DISABLE_TELEMETRY", "1", 1);
    if (auto ok = checked(api().CreateEnv(ORT_LOGGING_LEVEL_ERROR, "lectern", &m.env), "start ONNX Runtime"); !ok) {
      m.error = ok.error();
    }
    return m;
  }();
  if (made.env == nullptr) return Failure(made.error);
  return made.env;
}

template <typename T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

Result<Owned<OrtSessionOptions>> sessionOptions(const SessionOptions& options) {
  OrtSessionOptions* raw = nullptr;
  TRY_VOID(checked(api().CreateSessionOptions(&raw), "session options"));
  Owned<OrtSessionOptions> owned(raw, [](OrtSessionOptions* o) { api().ReleaseSessionOptions(o); });
  TRY_VOID(checked(api().SetIntraOpNumThreads(raw, options.threads), "session threads"));
  TRY_VOID(checked(api().SetInterOpNumThreads(raw, 1), "session threads"));
  const auto level = options.optimize ? ORT_ENABLE_ALL : ORT_DISABLE_ALL;
  TRY_VOID(checked(api().SetSessionGraphOptimizationLevel(raw, level), "session options"));
  // Spinning threads would take CPU time that the function's share does not have.
  TRY_VOID(checked(api().AddSessionConfigEntry(raw, "session.intra_op.allow_spinning", "0"), "session options"));
  // Pages differ in size: a planned memory pattern a shape would only grow memory.
  TRY_VOID(checked(api().DisableMemPattern(raw), "session options"));
  if (!options.prepack) {
    TRY_VOID(checked(api().AddSessionConfigEntry(raw, "session.disable_prepacking", "1"), "session options"));
  }
  return owned;
}

}  // namespace

int64_t Tensor::elements() const {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

struct Session::Impl {
  OrtSession* session = nullptr;
  OrtMemoryInfo* memory = nullptr;
  std::string input_name;
  std::string output_name;
  std::vector<WeightRegion> regions;  // weights in place, and the values that point into them
  std::vector<Owned<OrtValue>> weights;

  ~Impl() {
    if (session != nullptr) api().ReleaseSession(session);
    if (memory != nullptr) api().ReleaseMemoryInfo(memory);
  }

  Result<void> finish() {
    TRY_VOID(checked(api().CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory), "memory info"));
    OrtAllocator* allocator = nullptr;
    TRY_VOID(checked(api().GetAllocatorWithDefaultOptions(&allocator), "allocator"));
    char* name = nullptr;
    TRY_VOID(checked(api().SessionGetInputName(session, 0, allocator, &name), "input name"));
    input_name = name;
    allocator->Free(allocator, name);
    TRY_VOID(checked(api().SessionGetOutputName(session, 0, allocator, &name), "output name"));
    output_name = name;
    allocator->Free(allocator, name);
    return {};
  }
};

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::load(const std::filesystem::path& path, const SessionOptions& options) {
  TRY(OrtEnv * env, environment());
  TRY(auto configured, sessionOptions(options));
  auto impl = std::make_unique<Impl>();
  TRY_VOID(checked(api().CreateSession(env, path.c_str(), configured.get(), &impl->session),
                   "load model " + path.filename().string()));
  TRY_VOID(impl->finish());
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

Result<std::unique_ptr<Session>> Session::loadBytes(std::span<const std::byte> bytes, const SessionOptions& options) {
  TRY(OrtEnv * env, environment());
  TRY(auto configured, sessionOptions(options));
  for (const char* key : {"session.use_ort_model_bytes_directly", "session.use_ort_model_bytes_for_initializers"}) {
    TRY_VOID(checked(api().AddSessionConfigEntry(configured.get(), key, "1"), "session options"));
  }
  auto impl = std::make_unique<Impl>();
  TRY_VOID(checked(api().CreateSessionFromArray(env, bytes.data(), bytes.size(), configured.get(), &impl->session),
                   "load model"));
  TRY_VOID(impl->finish());
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

Result<std::unique_ptr<Session>> Session::loadShared(const std::filesystem::path& path, int threads) {
  TRY(OrtEnv * env, environment());
  TRY(std::string bytes, readFile(path));
  TRY(auto tensors, externalTensors(bytes));
  std::map<std::string, int64_t> sizes;
  for (const auto& t : tensors) sizes[t.location] = std::max(sizes[t.location], t.offset + t.length);
  // Optimisation would fold and pack copies of the weights: it belongs to the time of deployment.
  TRY(auto configured, sessionOptions({.threads = threads, .prepack = false, .optimize = false}));
  auto impl = std::make_unique<Impl>();
  TRY_VOID(checked(api().CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &impl->memory), "memory info"));
  std::map<std::string, size_t> index;
  for (const auto& [location, size] : sizes) {
    TRY(auto region, WeightRegion::load(path.parent_path() / location, size));
    index[location] = impl->regions.size();
    impl->regions.push_back(std::move(region));
  }
  for (const auto& t : tensors) {
    OrtValue* value = nullptr;
    auto* data = const_cast<std::byte*>(impl->regions[index[t.location]].data()) + t.offset;
    TRY_VOID(checked(api().CreateTensorWithDataAsOrtValue(impl->memory, data, static_cast<size_t>(t.length),
                                                          t.shape.data(), t.shape.size(),
                                                          static_cast<ONNXTensorElementDataType>(t.data_type), &value),
                     "weights " + t.name));
    impl->weights.emplace_back(value, [](OrtValue* v) { api().ReleaseValue(v); });
    TRY_VOID(checked(api().AddInitializer(configured.get(), t.name.c_str(), value), "weights " + t.name));
  }
  // By path: from bytes ONNX Runtime refuses models whose external data is outside of the working directory.
  TRY_VOID(checked(api().CreateSession(env, path.c_str(), configured.get(), &impl->session),
                   "load model " + path.filename().string()));
  api().ReleaseMemoryInfo(impl->memory);
  impl->memory = nullptr;
  TRY_VOID(impl->finish());
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

Result<Tensor> Session::run(std::span<const float> input, std::span<const int64_t> shape) const {
  OrtValue* in = nullptr;
  TRY_VOID(checked(
      api().CreateTensorWithDataAsOrtValue(impl_->memory, const_cast<float*>(input.data()), input.size_bytes(),
                                           shape.data(), shape.size(), ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &in),
      "input tensor"));
  const Owned<OrtValue> input_owner(in, [](OrtValue* v) { api().ReleaseValue(v); });
  const char* input_names[] = {impl_->input_name.c_str()};
  const char* output_names[] = {impl_->output_name.c_str()};
  OrtValue* out = nullptr;
  TRY_VOID(checked(api().Run(impl_->session, nullptr, input_names, &in, 1, output_names, 1, &out), "run model"));
  const Owned<OrtValue> output_owner(out, [](OrtValue* v) { api().ReleaseValue(v); });

  OrtTensorTypeAndShapeInfo* info = nullptr;
  TRY_VOID(checked(api().GetTensorTypeAndShape(out, &info), "output shape"));
  const Owned<OrtTensorTypeAndShapeInfo> info_owner(
      info, [](OrtTensorTypeAndShapeInfo* i) { api().ReleaseTensorTypeAndShapeInfo(i); });
  size_t rank = 0;
  TRY_VOID(checked(api().GetDimensionsCount(info, &rank), "output shape"));
  Tensor result;
  result.shape.resize(rank);
  TRY_VOID(checked(api().GetDimensions(info, result.shape.data(), rank), "output shape"));
  float* data = nullptr;
  TRY_VOID(checked(api().GetTensorMutableData(out, reinterpret_cast<void**>(&data)), "output data"));
  result.data.assign(data, data + result.elements());
  return result;
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
