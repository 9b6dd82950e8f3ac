#pragma once
#include <functional>

namespace lectern::reader {

/// Runs work(worker, index) for every index below count on `workers` threads (the caller's own is one of them). Which
/// worker gets which index is not fixed, so work must depend on its index only.
void forEachIndex(int count, int workers, const std::function<void(int worker, int index)>& work);

}  // namespace lectern::reader
