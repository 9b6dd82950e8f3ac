#pragma once
// Everyday questions whose answer is no field: what was handed over and given back, the time, numbers of tax and
// company, who sent it to whom. Each is a row's label with a value of a known shape, or a key under one of its names.

#include "reader/question/lookup.h"

namespace lectern::reader {

struct SlotAnswer {
  std::optional<Found> found;
  bool meant = false;   // the question names something of its own: no other field is its answer
  bool closed = false;  // and no key of another name
};

/// Tries the slots that the question's words name, in order.
Result<SlotAnswer> bySlot(GuardedDatabase& db, const std::string& document, const std::string& plain);

}  // namespace lectern::reader
