// ELF files of other people's programs.

#include <cstdint>
#include <vector>

#include "base/check.h"
#include "pack/elf.h"
#include "seeds.h"

std::vector<std::string> fuzzSeeds() {
  std::vector<std::string> out;
  for (const char* path : {"/bin/true", "/bin/echo"}) {
    std::ifstream in(path, std::ios::binary);
    out.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  out.push_back(out[0].substr(0, 4096));
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  lectern::pack::readElf(bytes);
  (void)lectern::pack::readSymbols(bytes);
  auto stripped = lectern::pack::stripElf(bytes);
  if (stripped) CHECK(stripped->size() <= bytes.size());
  return 0;
}
