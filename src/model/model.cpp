#include "model/model.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "model/model_store.h"
#include "model/optimize.h"
#include "model/store/stored_model.h"

namespace lectern::model {

namespace fs = std::filesystem;

namespace {
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
}  // namespace

Result<std::unique_ptr<Model>> Model::load(const std::string& name_or_path) {
  std::unique_ptr<Model> out(new Model);
  if (name_or_path.find('/') != std::string::npos) {
    // A file without a form for this machine is optimised here, at the cost of a slower start.
    const bool ready = fs::path(name_or_path).extension() == ".ort";
    out->options_ = {.threads = 1, .prepack = !ready, .optimize = !ready};
    if (ready) {
      TRY(auto region, WeightRegion::load(name_or_path));
      out->files_.push_back({fs::path(name_or_path).filename().string(), std::make_shared<WeightRegion>(std::move(region))});
      TRY(out->session_, Session::loadRegions(out->files_, fs::path(name_or_path).parent_path(), out->options_));
    } else {
      out->folder_ = name_or_path;
      TRY(out->session_, Session::load(name_or_path, out->options_));
    }
    return out;
  }
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
