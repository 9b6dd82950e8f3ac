#pragma once
// The graph of objects in a TensorFlow 2 checkpoint. A variable's key says only one way that leads to it: Keras keeps the
// model's own weights under the optimiser's name. What counts is whether there is a way past the optimiser.

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/formats/model_file.h"

namespace lectern::model::formats {

/// The checkpoint's key of the graph.
inline constexpr std::string_view kObjectGraphKey = "_CHECKPOINTABLE_OBJECT_GRAPH";

/// The role of each variable that the graph names, by its key in the checkpoint. `tensor` is the bytes of the graph's
/// string tensor in a data file. kCorrupt for what is none.
Result<std::map<std::string, Role, std::less<>>> rolesOfObjects(std::string_view tensor);

}  // namespace lectern::model::formats
