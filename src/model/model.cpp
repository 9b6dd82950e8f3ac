#include "model/model.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "base/files.h"
#include "base/log.h"
#include "model/model_store.h"
#include "model/optimize.h"
#include "model/store/stored_model.h"

namespace lectern::model {

namespace fs = std::filesystem;

namespace {
constexpr int64_t kWorthSharing = 16 << 20;  // below, kernels that like their weights packed are worth more
constexpr int kMegabytesOfOneProcessor = 1769;  // Lambda's documentation: at 1769 MB a function has one vCPU

struct Opened {
  std::shared_ptr<const StoredModel> model;
  bool fits_machine = false;
};

/// The form for this machine where there is one or one can be made, else the model as it was added.
Result<Opened> openBest(const fs::path& store, const std::string& name) {
  const std::string machine = machineKind();
  auto form = openStored(store, name, machine);
  if (form) return Opened{std::move(*form), true};
  if (form.error().code != Code::kNotFound) return Failure(form.error());
  TRY(const auto manifest, readManifest(store, name));
  const bool ready = manifest.files[0].name.ends_with(".ort");
  if (!ready && access((store / name).c_str(), W_OK) == 0 && prepareForMachine(store, name)) {
    TRY(auto made, openStored(store, name, machine));
    return Opened{std::move(made), true};
  }
  TRY(auto plain, openStored(store, name));
  return Opened{std::move(plain), ready};
}

/// The files of an .onnx model in a form that is used as it lies, so that all functions of the machine use one copy of it.
/// With weights inside the graph that takes an optimised form, written to a temporary folder; its bytes are the same
/// whoever makes it, and so is the keeper's copy. Empty: better read it the usual way.
Result<std::vector<NamedRegion>> shareableFiles(const fs::path& path, bool& optimized) {
  std::error_code error;
  const auto size = static_cast<int64_t>(fs::file_size(path, error));
  if (error || !WeightRegion::sharing()) return std::vector<NamedRegion>{};
  TRY(const int64_t bytes, modelBytes(path));
  if (bytes < kWorthSharing) return std::vector<NamedRegion>{};
  optimized = bytes == size;
  if (!optimized) return Session::openFiles(path);
  TRY(const auto folder, TempDir::create("lectern-model-"));
  const auto room = fs::space(folder.path(), error);
  if (error || static_cast<int64_t>(room.available) < bytes + bytes / 8) {
    return fail(Code::kNoSpace, fmt::format("{} has no room for its optimised form; give the function more ephemeral "
                                            "storage, or a form made by lectern model optimize -o NAME.ort",
                                            folder.path().parent_path().string()));
  }
  const fs::path form = folder.path() / (path.stem().string() + ".ort");
  TRY_VOID(optimizeModel(path, form).map([](const auto&) {}));
  return Session::openFiles(form);
}
}  // namespace

Result<std::unique_ptr<Model>> Model::loadFile(const fs::path& path) {
  std::unique_ptr<Model> out(new Model);
  bool ready = path.extension() == ".ort";
  if (ready) {
    TRY(out->files_, Session::openFiles(path));
  } else {
    auto files = shareableFiles(path, ready);
    if (files) {
      out->files_ = std::move(*files);
    } else {
      // What is wrong with the model itself, the usual way will say.
      logWarn(fmt::format("{} is a copy of this process's own: {}", path.filename().string(), files.error().message));
    }
  }
  if (out->files_.empty()) {
    // Optimised and packed here, in memory of this process's own.
    out->folder_ = path;
    out->options_ = {.threads = 1, .prepack = true, .optimize = true};
    TRY(out->session_, Session::load(path, out->options_));
  } else {
    out->folder_ = path.parent_path();
    out->options_ = {.threads = 1, .prepack = false, .optimize = !ready};
    TRY(out->session_, Session::loadRegions(out->files_, out->folder_, out->options_));
  }
  return out;
}

Result<std::unique_ptr<Model>> Model::load(const std::string& name_or_path) {
  if (name_or_path.find('/') != std::string::npos) return loadFile(name_or_path);
  std::unique_ptr<Model> out(new Model);
  const char* store = getenv("LECTERN_MODEL_STORE");
  if (store == nullptr || *store == '\0') {
    return fail(Code::kInvalid, "LECTERN_MODEL_STORE is not set: it names the folder of the model store, such as /mnt/models");
  }
  TRY(auto opened, openBest(store, name_or_path));
  for (size_t i = 0; i < opened.model->regions.size(); ++i) {
    // Sharing ownership with the whole: the lease lasts as long as any session uses the weights.
    out->files_.push_back({opened.model->manifest.files[i].name,
                           std::shared_ptr<const WeightRegion>(opened.model, &opened.model->regions[i])});
  }
  out->folder_ = fs::path(store) / name_or_path;
  out->options_ = {.threads = 1, .prepack = false, .optimize = !opened.fits_machine};
  TRY(out->session_, Session::loadRegions(out->files_, out->folder_, out->options_));
  return out;
}

Result<void> Model::warmUp(const std::vector<int64_t>& shape) const {
  Tensor zeros{shape, {}};
  const int64_t elements = zeros.elements();
  if (elements <= 0 || elements > int64_t{1} << 30) return fail(Code::kInvalid, "the shape to warm up with is no size");
  zeros.data.resize(static_cast<size_t>(elements));
  return session_->warmUp(zeros.data, shape).map([](const auto&) {});
}

Result<Tensor> Model::run(std::span<const float> input, std::span<const int64_t> shape) const {
  return session_->run(input, shape);
}

Result<std::vector<Tensor>> Model::runAll(std::span<const Tensor> inputs, std::span<const std::string> outputs) const {
  return session_->runAll(inputs, outputs);
}

Result<void> Model::setThreads(int threads) {
  threads = std::max(1, threads);
  if (threads == options_.threads) return {};
  SessionOptions options = options_;
  options.threads = threads;
  if (files_.empty()) {
    TRY(auto session, Session::load(folder_, options));
    session_ = std::move(session);
  } else {
    TRY(auto session, Session::loadRegions(files_, folder_, options));
    session_ = std::move(session);
  }
  options_ = options;
  return {};
}

int threadsOfShare() {
  const char* text = getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
  const int megabytes = text != nullptr ? atoi(text) : 0;
  const int machine = std::max(1u, std::thread::hardware_concurrency());
  if (megabytes <= 0) return 1;
  return std::clamp((megabytes + kMegabytesOfOneProcessor - 1) / kMegabytesOfOneProcessor, 1, machine);
}

}  // namespace lectern::model
