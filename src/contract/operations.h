#pragma once
// The operations of the Lambda API: method, path and status, as in the service model of 2015-03-31.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/operation_list.h"

namespace lectern::contract {

enum class Operation {
#define LECTERN_ROW(name, method, path, status) k##name,
  LECTERN_OPERATIONS(LECTERN_ROW)
#undef LECTERN_ROW
};

struct OperationInfo {
  Operation operation;
  std::string_view name, method, path;  // path with {Parameters}
  int ok_status;
};

struct OperationMatch {
  const OperationInfo* info = nullptr;
  std::vector<std::pair<std::string_view, std::string>> parameters;  // decoded

  /// The parameter's value, or "".
  std::string_view parameter(std::string_view name) const;
};

/// Finds the operation for a method and a raw (still encoded) path and query. Nothing when there is none; trailing
/// slashes are ignored.
std::optional<OperationMatch> matchOperation(std::string_view method, std::string_view path, std::string_view query);

/// All operations, for tests and documentation.
std::span<const OperationInfo> operations();

}  // namespace lectern::contract
