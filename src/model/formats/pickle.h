#pragma once
// Python pickles as data: values and calls are read as a tree and written again, and nothing is ever called.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace lectern::model::formats {

struct PickleValue;
/// Into a Pickle, which owns all its values: one may occur twice, and chains of them would overflow the stack if each
/// freed the next.
using PickleRef = PickleValue*;

struct PickleValue {
  enum class Kind {
    kNone,
    kBool,
    kInt,     // `number`, or `text` as little-endian two's complement when it needs more than 64 bits
    kFloat,
    kText,
    kBytes,
    kList,    // items
    kTuple,   // items
    kSet,     // items
    kDict,    // pairs
    kGlobal,  // text "module\nname"
    kPersistent,  // items[0]: a reference to a storage
    kReduce,      // items[0] called with items[1], a tuple
    kNewObject,   // items[0].__new__(*items[1])
  };
  Kind kind = Kind::kNone;
  int64_t number = 0;
  double real = 0;
  std::string text;
  std::vector<PickleRef> items;
  std::vector<std::pair<PickleRef, PickleRef>> pairs;  // of a dictionary, or set on an object by SETITEMS
  PickleRef state = nullptr;                           // set on an object by BUILD

  /// The value under a text key of a dictionary.
  const PickleValue* find(std::string_view key) const;
  bool isGlobal(std::string_view module, std::string_view name) const;
};

struct Pickle {
  std::deque<PickleValue> values;
  PickleRef root = nullptr;
};

/// Reads protocols 2 to 5. kCorrupt for damage, kInvalid for opcodes outside the data subset, kTooLarge beyond ten
/// million values. Cycles are refused.
Result<Pickle> readPickle(std::string_view bytes);

/// Writes protocol 2. Objects that occur twice are written once.
std::string writePickle(const PickleValue* value);

}  // namespace lectern::model::formats
