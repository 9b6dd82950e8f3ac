#pragma once
#include <functional>

#include "base/slots.h"

namespace lectern::reader {

/// Runs work(index) for every index below count, on the caller's thread and on as many others as there are free slots in
/// `spare` (null: none). Which thread gets which index is not fixed, so work must depend on its index only.
void forEachIndex(int count, Slots* spare, const std::function<void(int index)>& work);

}  // namespace lectern::reader
