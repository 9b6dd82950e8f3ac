#pragma once
// Which names belong to training. A slot counts as one only beside the variable it belongs to, so that a layer that
// happens to be named "Adam" is never dropped.

#include <functional>
#include <string>
#include <string_view>

#include "model/formats/model_file.h"

namespace lectern::model::formats {

struct RoleOf {
  Role role = Role::kWeight;
  std::string base;  // the weight that a slot or an average belongs to
};

/// Role of a TensorFlow variable; `exists` says whether the file holds a variable of a name.
RoleOf roleOfVariable(std::string_view name, const std::function<bool(const std::string&)>& exists);

/// Role of a top-level entry of a PyTorch checkpoint that holds a model under another key.
Role roleOfEntry(std::string_view key);
/// Whether a top-level entry of a PyTorch checkpoint holds the model.
bool isModelEntry(std::string_view key);

/// Whether a TensorFlow operator exists for training, saving or start-up only.
bool isTrainingOperator(std::string_view op);

}  // namespace lectern::model::formats
