#include "model/formats/roles.h"

#include <array>
#include <set>

namespace lectern::model::formats {

namespace {
// Names that TensorFlow's optimisers give their slots.
const std::set<std::string_view> kSlots = {
    "Adam",     "Adam_1",     "AdaMax",    "AdaMax_1",   "Adadelta",   "Adadelta_1", "Adagrad", "AdagradDA",
    "Momentum", "RMSProp",    "RMSProp_1", "RMSProp_2",  "Ftrl",       "Ftrl_1",     "LAMB",    "LAMB_1",
    "adam_m",   "adam_v",     "AdamW",     "AdamW_1",    "LARSOptimizer", "m",       "v"};
const std::set<std::string_view> kAverages = {"ExponentialMovingAverage", "MovingAverage", "ema", "EMA"};
const std::set<std::string_view> kCounters = {"global_step",  "beta1_power", "beta2_power", "beta1_power_1",
                                              "beta2_power_1", "learning_rate", "save_counter", "current_epoch"};

std::string_view lastPart(std::string_view name) {
  const size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}
}  // namespace

std::string_view roleName(Role role) {
  constexpr std::array<std::string_view, 5> kNames = {"weight", "optimizer", "average", "training", "unused"};
  return kNames[static_cast<size_t>(role)];
}

RoleOf roleOfVariable(std::string_view name, const std::function<bool(const std::string&)>& exists) {
  // Checkpoints of objects (TensorFlow 2): "layer/kernel/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE".
  constexpr std::string_view kValue = "/.ATTRIBUTES/VARIABLE_VALUE";
  if (const size_t at = name.find("/.OPTIMIZER_SLOT/"); at != std::string_view::npos) {
    return {Role::kOptimizer, std::string(name.substr(0, at)) + std::string(kValue)};
  }
  if (name.ends_with(kValue)) {
    if (name.starts_with("optimizer/")) return {Role::kOptimizer, ""};
    if (name.starts_with("save_counter/")) return {Role::kTraining, ""};
    return {};
  }
  const std::string_view last = lastPart(name);
  if (last.size() < name.size()) {
    const std::string base(name.substr(0, name.size() - last.size() - 1));
    if (kSlots.contains(last) && exists(base)) return {Role::kOptimizer, base};
    if (kAverages.contains(last) && exists(base)) return {Role::kAverage, base};
  }
  if (kCounters.contains(last)) return {Role::kTraining, ""};
  return {};
}

Role roleOfEntry(std::string_view key) {
  static const std::set<std::string_view> kOptimizer = {
      "optimizer", "optimizer_state_dict", "optim", "optim_state_dict", "optimizer_states", "optimizers", "opt",
      "opt_state_dict", "optimizer_state", "last_optimizer_state", "g_optimizer", "d_optimizer"};
  static const std::set<std::string_view> kAverage = {"ema", "ema_state_dict", "model_ema", "ema_model",
                                                      "state_dict_ema", "ema_weights"};
  static const std::set<std::string_view> kTraining = {
      "epoch", "step", "global_step", "iteration", "iter", "lr_scheduler", "lr_schedulers", "scheduler",
      "scheduler_state_dict", "lr_scheduler_state_dict", "scaler", "amp", "grad_scaler", "loops", "callbacks",
      "rng_state", "cuda_rng_state", "loss", "best_loss", "best_acc", "best_acc1", "best_fitness", "updates",
      "train_metrics", "train_results", "NativeMixedPrecisionPlugin", "MixedPrecisionPlugin", "date", "git"};
  if (kOptimizer.contains(key)) return Role::kOptimizer;
  if (kAverage.contains(key)) return Role::kAverage;
  if (kTraining.contains(key)) return Role::kTraining;
  return Role::kWeight;
}

bool isModelEntry(std::string_view key) {
  static const std::set<std::string_view> kModel = {"state_dict", "model",         "model_state_dict", "model_state",
                                                    "net",        "network",       "weights",          "params",
                                                    "module",     "generator",     "model_state_dicts", "net_state_dict"};
  return kModel.contains(key);
}

bool isTrainingOperator(std::string_view op) {
  static const std::set<std::string_view> kOps = {
      "Assign", "AssignAdd", "AssignSub", "AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "SaveV2",
      "Save", "SaveSlices", "RestoreV2", "Restore", "RestoreSlice", "MergeV2Checkpoints", "ShardedFilename", "NoOp",
      "Assert", "Print", "PrintV2", "CheckNumerics", "ScalarSummary", "HistogramSummary", "ImageSummary",
      "MergeSummary", "TensorSummary", "TensorSummaryV2", "IsVariableInitialized", "VarIsInitializedOp",
      "ReportUninitializedVariables", "BroadcastGradientArgs", "Unstage"};
  const bool applies = (op.starts_with("Apply") || op.starts_with("ResourceApply") || op.starts_with("SparseApply") ||
                        op.starts_with("ResourceSparseApply"));
  return applies || kOps.contains(op) || op.ends_with("Grad") || op.ends_with("GradV2") || op.ends_with("GradV3");
}

}  // namespace lectern::model::formats
