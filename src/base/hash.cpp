#include "base/hash.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/check.h"
#include "base/files.h"

namespace lectern {

namespace {
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
Context newSha256() {
  Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  CHECK(context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  return context;
}
std::string finish(EVP_MD_CTX* context) {
  unsigned char digest[32];
  unsigned size = 0;
  CHECK(EVP_DigestFinal_ex(context, digest, &size) == 1 && size == 32);
  return std::string(reinterpret_cast<char*>(digest), 32);
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
  auto context = newSha256();
  EVP_DigestUpdate(context.get(), bytes.data(), bytes.size());
  return finish(context.get());
}

std::string sha256Hex(std::string_view bytes) { return toHex(sha256(bytes)); }

Result<std::string> sha256HexOfFile(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return failErrno("open " + path.string(), errno);
  auto context = newSha256();
  std::string buffer(1 << 20, '\0');
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failErrno("read " + path.string(), errno);
    if (n == 0) break;
    EVP_DigestUpdate(context.get(), buffer.data(), static_cast<size_t>(n));
  }
  return toHex(finish(context.get()));
}

std::string hmacSha256(std::string_view key, std::string_view message) {
  unsigned char digest[32];
  unsigned size = 0;
  CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest, &size) != nullptr);
  return std::string(reinterpret_cast<char*>(digest), size);
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
