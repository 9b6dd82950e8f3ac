// Image files: headers and, where they are small enough, all of their pages.

#include <cstdint>
#include <vector>

#include "base/check.h"
#include "reader/image/decode.h"
#include "seeds.h"

namespace {

std::string bmp() {
  std::string head("BM\x7a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\4\0\0\0\4\0\0\0\1\0\x18\0\0\0\0\0\x40\0\0\0", 38);
  return head + std::string(16, '\0') + std::string(48, '\x55');
}

}  // namespace

std::vector<std::string> fuzzSeeds() {
  std::vector<std::string> out = {bmp(), "P5\n4 4\n255\n0123456789abcdef", "P1\n3 2\n1 0 1\n0 1 0\n",
                                  std::string("II*\0\x08\0\0\0\0\0\0\0", 12), "%PDF-1.4\n%%EOF\n"};
  std::string receipt = repositoryFile("samples/receipt.jpg");
  out.push_back(receipt.substr(0, 2000));  // cut short: the headers and the first rows
  std::string invoice = repositoryFile("samples/invoice.png");
  out.push_back(invoice.substr(0, 3000));
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lectern::reader::DecodeLimits limits;
  limits.max_source_pixels = limits.max_pixels = 1 << 20;
  auto file = lectern::reader::ImageFile::open(inputFile({reinterpret_cast<const char*>(data), size}, "page"), limits);
  if (!file) return 0;
  for (int page = 1; page <= (*file)->pages() && page <= 3; ++page) {
    auto image = (*file)->page(page);
    if (image) CHECK(int64_t{image->width} * image->height <= limits.max_pixels);
  }
  return 0;
}
