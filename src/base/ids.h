#pragma once
#include <string>

namespace lectern {
/// A random version 4 UUID in lower case, from the kernel's generator.
std::string newUuid();
/// n random bytes as 2n hexadecimal digits.
std::string randomHex(int n);
}  // namespace lectern
