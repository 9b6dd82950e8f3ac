#include "base/files.h"

#include "base/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace lectern {

namespace fs = std::filesystem;

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = other.release();
  }
  return *this;
}

Fd::~Fd() { close(); }

void Fd::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<std::string> readFile(const fs::path& path, Bytes limit) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return failErrno("open " + path.string(), errno);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return failErrno("stat " + path.string(), errno);
  if (S_ISDIR(info.st_mode)) return fail(Code::kInvalid, path.string() + " is a folder");
  if (info.st_size > limit.value) {
    return fail(Code::kTooLarge, path.string() + " has " + std::to_string(info.st_size) + " bytes, the limit is " +
                                     std::to_string(limit.value));
  }
  std::string content;
  content.reserve(static_cast<size_t>(info.st_size) + 1);
  char buffer[1 << 16];
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failErrno("read " + path.string(), errno);
    if (n == 0) break;
    content.append(buffer, static_cast<size_t>(n));
    if (static_cast<int64_t>(content.size()) > limit.value) {
      return fail(Code::kTooLarge, path.string() + " is larger than " + std::to_string(limit.value) + " bytes");
    }
  }
  return content;
}

Result<std::string> readHead(const fs::path& path, size_t bytes) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return failErrno("open " + path.string(), errno);
  std::string head(bytes, '\0');
  ssize_t n = 0;
  do {
    n = ::read(fd.get(), head.data(), bytes);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return failErrno("read " + path.string(), errno);
  head.resize(static_cast<size_t>(n));
  return head;
}

namespace {
Result<void> writeAll(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failErrno("write " + path.string(), errno);
    content.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<void> writeAndRename(const fs::path& path, std::string_view content, bool sync) {
  std::string temporary = path.string() + ".XXXXXX";
  Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) return failErrno("write " + path.string(), errno);
  auto written = writeAll(fd.get(), content, path);
  if (written && fchmod(fd.get(), 0644) != 0) written = failErrno("chmod " + path.string(), errno);
  if (written && sync && fsync(fd.get()) != 0) written = failErrno("sync " + path.string(), errno);
  fd.close();
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0)
    written = failErrno("rename to " + path.string(), errno);
  if (!written) ::unlink(temporary.c_str());
  return written;
}
}  // namespace

Result<void> writeFileAtomic(const fs::path& path, std::string_view content) {
  return writeAndRename(path, content, true);
}

Result<void> writeScratch(const fs::path& path, std::string_view content) {
  return writeAndRename(path, content, false);
}

Result<TempDir> TempDir::create(std::string_view prefix) {
  std::error_code ec;
  const fs::path base = fs::temp_directory_path(ec);
  std::string name = ((ec ? fs::path("/tmp") : base) / (std::string(prefix) + "XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) return failErrno("create a folder " + name, errno);
  return TempDir(fs::path(name));
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TempDir::~TempDir() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

namespace {
fs::path fromEnv(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? fs::path(value) : fs::path();
}
}  // namespace

fs::path cacheDir() {
  if (auto own = fromEnv("LECTERN_CACHE"); !own.empty()) return own;
  if (auto xdg = fromEnv("XDG_CACHE_HOME"); !xdg.empty()) return xdg / "lectern";
  if (auto home = fromEnv("HOME"); !home.empty()) return home / ".cache" / "lectern";
  return "/var/cache/lectern";
}

fs::path assetsDir() {
  if (auto own = fromEnv("LECTERN_ASSETS"); !own.empty()) return own;
  return cacheDir() / "assets";
}

}  // namespace lectern
