#include "model/optimize.h"

#include <fmt/format.h>
#include <unistd.h>

#include <set>

#include "base/files.h"
#include "base/hash.h"
#include "model/files.h"
#include "model/ort.h"
#include "model/store/space.h"
#include "model/store/weights.h"

namespace lectern::model {

namespace fs = std::filesystem;

namespace {
constexpr int64_t kExternalFrom = int64_t{1} << 30;  // serialising needs the model twice, and ends at 2 GB
constexpr int64_t kOrtLimit = (int64_t{1} << 31) - 1;

/// A folder beside the target for unfinished files, removed with what is in it.
class Workshop {
 public:
  explicit Workshop(const fs::path& target)
      : path_(target.parent_path() / fmt::format(".{}.{}.part", target.filename().string(), getpid())) {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    fs::create_directories(path_, error_);
  }
  ~Workshop() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Workshop(const Workshop&) = delete;
  const fs::path& path() const { return path_; }
  Result<void> ready() const {
    if (error_) return failErrno("write beside " + path_.string(), error_.value());
    return {};
  }

 private:
  fs::path path_;
  std::error_code error_;
};

Result<void> moveTo(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) return failErrno("write " + to.string(), error.value());
  return {};
}
}  // namespace

std::string machineKind() {
  std::string features;
#if defined(__x86_64__)
  features = "x86_64";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) features += "-avx2";
  if (__builtin_cpu_supports("avx512f")) features += "-avx512";
  if (__builtin_cpu_supports("avx512vnni")) features += "-vnni";
#elif defined(__aarch64__)
  features = "aarch64";
#else
  features = "other";
#endif
  return features + "-ort" + OrtGetApiBase()->GetVersionString();
}

Result<int64_t> modelBytes(const fs::path& model) {
  std::error_code error;
  int64_t total = static_cast<int64_t>(fs::file_size(model, error));
  if (error) return failErrno("open " + model.string(), error.value());
  if (model.extension() == ".ort") return total;
  TRY(const auto bytes, readFile(model, gibibytes(2)));
  TRY(const auto tensors, externalTensors(bytes));
  std::set<std::string> locations;
  for (const auto& t : tensors) locations.insert(t.location);
  for (const auto& location : locations) {
    total += static_cast<int64_t>(fs::file_size(model.parent_path() / location, error));
    if (error) return failErrno("open the model's weights " + location, error.value());
  }
  return total;
}

Result<OptimizeReport> optimizeModel(const fs::path& in, const fs::path& out, bool external) {
  std::error_code ignored;
  if (fs::equivalent(in, out, ignored)) return fail(Code::kInvalid, "the output is the input; give another name with -o");
  const bool ort_format = out.extension() == ".ort";
  if (!ort_format && out.extension() != ".onnx") {
    return fail(Code::kInvalid, out.string() + ": the name must end in .ort or .onnx");
  }
  OptimizeReport report;
  TRY(report.before_bytes, modelBytes(in));
  if (ort_format && report.before_bytes >= kOrtLimit) {
    return fail(Code::kTooLarge, "an .ort file cannot hold 2 GB; give a name that ends in .onnx");
  }
  // ONNX Runtime leaves references to files of the old model as they are, so these get a file of their own.
  const bool has_files = report.before_bytes > static_cast<int64_t>(fs::file_size(in, ignored));
  external = !ort_format && (external || has_files || report.before_bytes >= kExternalFrom);
  const Workshop workshop(out);
  TRY_VOID(workshop.ready());
  TRY_VOID(checkSpace(out.has_parent_path() ? out.parent_path() : ".", report.before_bytes));
  const std::string data_name = out.filename().string() + ".data";
  const fs::path made = workshop.path() / out.filename();
  TRY_VOID(ort::writeOptimized(in, made, ort::Level::kAll, external ? data_name : ""));
  if (fs::exists(workshop.path() / data_name, ignored)) {
    report.data = out.parent_path() / data_name;
    report.after_bytes = static_cast<int64_t>(fs::file_size(workshop.path() / data_name, ignored));
    TRY_VOID(moveTo(workshop.path() / data_name, report.data));
  }
  report.after_bytes += static_cast<int64_t>(fs::file_size(made, ignored));
  TRY_VOID(moveTo(made, out));
  return report;
}

Result<fs::path> optimizedModel(const fs::path& in, const fs::path& cache) {
  TRY(const std::string digest, modelSha256(in));
  TRY(const int64_t bytes, modelBytes(in));
  const fs::path out =
      cache / fmt::format("{}-{}{}", digest, machineKind(), bytes >= kExternalFrom ? ".onnx" : ".ort");
  std::error_code error;
  if (fs::exists(out, error)) return out;
  fs::create_directories(cache, error);
  TRY_VOID(optimizeModel(in, out));
  return out;
}

}  // namespace lectern::model
