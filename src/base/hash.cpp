#include "base/hash.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"
#include "base/files.h"

namespace lectern {

namespace {
// The plain SHA256 calls, not EVP's: linked statically they bring in 30 kB of libcrypto where EVP's providers bring 3 MB.
SHA256_CTX begin() {
  SHA256_CTX context;
  CHECK(SHA256_Init(&context) == 1);
  return context;
}
void update(SHA256_CTX& context, std::string_view bytes) { SHA256_Update(&context, bytes.data(), bytes.size()); }
std::string finish(SHA256_CTX& context) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  CHECK(SHA256_Final(reinterpret_cast<unsigned char*>(digest.data()), &context) == 1);
  return digest;
}
}  // namespace

std::string toHex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (unsigned char b : bytes) {
    out += kDigits[b >> 4];
    out += kDigits[b & 15];
  }
  return out;
}

std::string sha256(std::string_view bytes) {
  auto context = begin();
  update(context, bytes);
  return finish(context);
}

std::string sha256Hex(std::string_view bytes) { return toHex(sha256(bytes)); }

Result<std::string> sha256HexOfFile(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return failErrno("open " + path.string(), errno);
  auto context = begin();
  std::string buffer(1 << 20, '\0');
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failErrno("read " + path.string(), errno);
    if (n == 0) break;
    update(context, std::string_view(buffer).substr(0, static_cast<size_t>(n)));
  }
  return toHex(finish(context));
}

// RFC 2104: H((key ^ opad) + H((key ^ ipad) + message)), the key hashed when it is longer than a block.
std::string hmacSha256(std::string_view key, std::string_view message) {
  std::string block(key.size() > SHA256_CBLOCK ? sha256(key) : std::string(key));
  block.resize(SHA256_CBLOCK, '\0');
  std::string inner = block, outer = block;
  for (char& c : inner) c ^= 0x36;
  for (char& c : outer) c ^= 0x5c;
  auto first = begin();
  update(first, inner);
  update(first, message);
  auto second = begin();
  update(second, outer);
  update(second, finish(first));
  return finish(second);
}

std::string base64Encode(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(n));
  return out;
}

Result<std::string> base64Decode(std::string_view text) {
  if (text.empty()) return std::string();
  if (text.size() % 4 != 0) return fail(Code::kInvalid, "base64 text has a length that is not a multiple of four");
  const size_t padding = text.size() - std::min(text.find_last_not_of('=') + 1, text.size());
  if (padding > 2) return fail(Code::kInvalid, "base64 text has too much padding");
  std::string out(text.size() / 4 * 3, '\0');
  const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (n < 0) return fail(Code::kInvalid, "base64 text has characters outside the alphabet");
  out.resize(static_cast<size_t>(n) - padding);
  return out;
}

}  // namespace lectern
