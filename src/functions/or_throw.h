#pragma once
#include <string>
#include <utility>

#include "base/result.h"
#include "sdk/lectern.h"

namespace lectern::functions {

/// The value, or Lambda's error of this type with the failure's message.
template <typename T>
T orThrow(Result<T> result, const char* type) {
  if (!result) throw FunctionError(type, result.error().message);
  return std::move(*result);
}

}  // namespace lectern::functions
