#pragma once
// The JSON types of what requests of the control plane may carry.

#include "base/json.h"

namespace lectern::engine {

/// False when a member that Lambda knows has another type than Lambda's, at any depth; then nothing of the request is
/// used. Members that are null are taken out: they are as if they were not there.
bool wellTyped(json::object& body);

}  // namespace lectern::engine
