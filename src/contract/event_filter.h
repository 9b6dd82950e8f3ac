#pragma once
// FilterCriteria of event source mappings: which records reach the function.
//
//   {"Filters":[{"Pattern":"{\"s3\":{\"object\":{\"key\":[{\"suffix\":\".png\"}]}}}"}]}
//
// A record passes when one of the filters fits. A pattern is an object whose leaves are lists: one of a list's values, or of its
// rules {"prefix"|"suffix"|"equals-ignore-case"|"wildcard"|"anything-but"|"numeric"|"exists": ...}, must fit the record's value
// there. "$or" holds a list of patterns one of which must fit.

#include <vector>

#include "base/json.h"
#include "contract/names.h"

namespace lectern::contract {

class EventFilter {
 public:
  static constexpr size_t kMostFilters = 10;
  static constexpr size_t kLongestPattern = 4096;

  /// Of a FilterCriteria document; without filters everything passes. "Invalid filter pattern definition." otherwise.
  static ApiResult<EventFilter> of(const json::value& criteria);
  bool passes(const json::object& record) const;

 private:
  std::vector<json::object> patterns_;
};

}  // namespace lectern::contract
