#include "engine/invoke/ids.h"

#include <fmt/core.h>
#include <sys/random.h>

#include <bit>

#include "base/check.h"

namespace lectern::engine {

IdSource::IdSource() { CHECK(getrandom(state_, sizeof state_, 0) == sizeof state_); }

/// xoshiro256** of Blackman and Vigna.
uint64_t IdSource::next() {
  uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::string IdSource::uuid() {
  static const char* digits = "0123456789abcdef";
  uint64_t high = (next() & ~0xF000ull) | 0x4000ull;
  uint64_t low = (next() & ~(3ull << 62)) | (2ull << 62);
  std::string out(36, '-');
  int at = 0;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) ++at;
    uint64_t word = i < 16 ? high : low;
    out[size_t(at++)] = digits[(word >> (60 - 4 * (i % 16))) & 15];
  }
  return out;
}

std::string IdSource::trace(int64_t epoch_seconds) {
  return fmt::format("Root=1-{:08x}-{:016x}{:08x};Parent={:016x};Sampled=0", uint32_t(epoch_seconds), next(),
                     uint32_t(next()), next());
}

}  // namespace lectern::engine
