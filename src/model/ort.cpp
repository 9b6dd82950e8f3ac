#include "model/ort.h"

#include <cstdlib>
#include <string>

#include "base/check.h"

namespace lectern::model::ort {

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

Result<void> setEntry(OrtSessionOptions* options, const char* key, const char* value) {
  return checked(api().AddSessionConfigEntry(options, key, value), "session options");
}

Result<Owned<OrtSessionOptions>> sessionOptions(const SessionOptions& options) {
  OrtSessionOptions* raw = nullptr;
  TRY_VOID(checked(api().CreateSessionOptions(&raw), "session options"));
  Owned<OrtSessionOptions> owned(raw, [](OrtSessionOptions* o) { api().ReleaseSessionOptions(o); });
  TRY_VOID(checked(api().SetIntraOpNumThreads(raw, options.threads), "session threads"));
  TRY_VOID(checked(api().SetInterOpNumThreads(raw, 1), "session threads"));
  const auto level = options.optimize ? ORT_ENABLE_ALL : ORT_DISABLE_ALL;
  TRY_VOID(checked(api().SetSessionGraphOptimizationLevel(raw, level), "session options"));
  // Spinning threads would take CPU time that the function's share does not have.
  TRY_VOID(setEntry(raw, "session.intra_op.allow_spinning", "0"));
  // Pages differ in size: a planned memory pattern a shape would only grow memory.
  TRY_VOID(checked(api().DisableMemPattern(raw), "session options"));
  if (!options.prepack) TRY_VOID(setEntry(raw, "session.disable_prepacking", "1"));
  return owned;
}

Result<void> writeOptimized(const std::filesystem::path& in, const std::filesystem::path& out, Level level,
                            const std::string& data_file) {
  TRY(OrtEnv * env, environment());
  // No packing: it would double the memory of the run and is not part of the file.
  TRY(auto options, sessionOptions({.threads = 1, .prepack = false}));
  const auto graph_level = level == Level::kAll ? ORT_ENABLE_ALL : ORT_ENABLE_BASIC;
  TRY_VOID(checked(api().SetSessionGraphOptimizationLevel(options.get(), graph_level), "session options"));
  TRY_VOID(checked(api().SetOptimizedModelFilePath(options.get(), out.c_str()), "session options"));
  TRY_VOID(setEntry(options.get(), "session.save_model_format", out.extension() == ".ort" ? "ORT" : "ONNX"));
  if (!data_file.empty()) {
    TRY_VOID(setEntry(options.get(), "session.optimized_model_external_initializers_file_name", data_file.c_str()));
    TRY_VOID(setEntry(options.get(), "session.optimized_model_external_initializers_min_size_in_bytes", "1024"));
  }
  OrtSession* session = nullptr;
  TRY_VOID(checked(api().CreateSession(env, in.c_str(), options.get(), &session),
                   "optimise model " + in.filename().string()));
  api().ReleaseSession(session);
  return {};
}

}  // namespace lectern::model::ort
