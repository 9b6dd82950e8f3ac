#include "base/ids.h"

#include <sys/random.h>

#include "base/check.h"
#include "base/hash.h"

namespace lectern {

namespace {
std::string randomBytes(size_t n) {
  std::string bytes(n, '\0');
  size_t got = 0;
  while (got < n) {
    const ssize_t k = getrandom(bytes.data() + got, n - got, 0);
    CHECK(k > 0);
    got += static_cast<size_t>(k);
  }
  return bytes;
}
}  // namespace

std::string randomHex(int n) { return toHex(randomBytes(static_cast<size_t>(n))); }

std::string newUuid() {
  std::string b = randomBytes(16);
  b[6] = static_cast<char>((b[6] & 0x0f) | 0x40);
  b[8] = static_cast<char>((b[8] & 0x3f) | 0x80);
  const std::string h = toHex(b);
  return h.substr(0, 8) + "-" + h.substr(8, 4) + "-" + h.substr(12, 4) + "-" + h.substr(16, 4) + "-" + h.substr(20);
}

}  // namespace lectern
