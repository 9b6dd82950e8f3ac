#include "model/store/weight_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/mount.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/hash.h"
#include "base/log.h"

namespace lectern::model {

namespace {
constexpr int64_t kHugePage = 2 << 20;

Fd hugeFileSystem(Bytes limit) {
  const Fd fs(static_cast<int>(syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
  if (!fs.valid()) return {};
  const auto set = [&fs](const char* key, const std::string& value) {
    return syscall(SYS_fsconfig, fs.get(), FSCONFIG_SET_STRING, key, value.c_str(), 0) == 0;
  };
  // Twice the limit: models that were evicted stay until their last user ends, and the budget is counted by the keeper.
  if (!set("huge", "always") || !set("size", std::to_string(limit.value * 2 + 64 * kHugePage)) || !set("mode", "0700")) {
    return {};
  }
  if (syscall(SYS_fsconfig, fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return {};
  return Fd(static_cast<int>(syscall(SYS_fsmount, fs.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                                                                  MOUNT_ATTR_NOEXEC)));
}

/// Memory of a file mapped for writing while it is filled.
class Filling {
 public:
  Filling(int descriptor, int64_t size) : size_(static_cast<size_t>((size + kHugePage - 1) / kHugePage * kHugePage)) {
    // In the file's own alignment, so that a page of 2 MB is taken at once instead of 512 small ones.
    raw_ = mmap(nullptr, size_ + kHugePage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw_ == MAP_FAILED) return;
    const auto at = (reinterpret_cast<uintptr_t>(raw_) + kHugePage - 1) / kHugePage * kHugePage;
    void* mapped = mmap(reinterpret_cast<void*>(at), size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor, 0);
    if (mapped == MAP_FAILED) return;
    madvise(mapped, size_, MADV_HUGEPAGE);
    data_ = static_cast<char*>(mapped);
  }
  ~Filling() {
    if (raw_ != MAP_FAILED) munmap(raw_, size_ + kHugePage);
  }
  Filling(const Filling&) = delete;
  char* data() const { return data_; }
  /// Takes the memory before it is written to: writing to what cannot be had would end the process. Through the mapping,
  /// since fallocate() takes small pages where large ones have to be freed first. False: errno says why.
  bool reserve(int64_t size) const {
    for (int64_t at = 0; at < size; at += kReserved) {
      const auto length = static_cast<size_t>(std::min(size - at, kReserved));
      int done = 0;
      while ((done = madvise(data_ + at, length, MADV_POPULATE_WRITE)) != 0 && errno == EINTR) {
      }
      if (done != 0) return false;
    }
    return true;
  }

 private:
  static constexpr int64_t kReserved = 64 << 20;  // at a time
  size_t size_;
  void* raw_ = MAP_FAILED;
  char* data_ = nullptr;
};

Result<void> fill(char* to, const std::filesystem::path& path, const StoredFile& expected) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat info {};
  if (!file.valid() || fstat(file.get(), &info) != 0) return failErrno("open " + path.string(), errno);
  const auto wrong = [&](std::string_view what) {
    return fail(Code::kCorrupt, fmt::format("{} has another {} than its manifest says: the file was damaged or changed "
                                            "after it was added, add it again", path.string(), what));
  };
  if (!S_ISREG(info.st_mode) || info.st_size != expected.size) return wrong("size");
  for (int64_t done = 0; done < expected.size;) {
    const auto want = static_cast<size_t>(std::min<int64_t>(expected.size - done, 64 << 20));
    const ssize_t n = pread(file.get(), to + done, want, done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failErrno("read " + path.string(), errno);
    if (n == 0) return wrong("size");
    done += n;
  }
  // Of what is in memory, so that what was checked is what functions use.
  if (sha256Hex({to, static_cast<size_t>(expected.size)}) != expected.sha256) return wrong("checksum");
  posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);  // else memory holds the file twice
  return {};
}
}  // namespace

WeightFiles WeightFiles::create(Bytes limit) {
  WeightFiles out;
  out.mount_ = hugeFileSystem(limit);
  if (!out.mount_.valid()) {
    logWarn("model store: no file system of 2 MB pages (needs root); weights lie in small pages and start slower");
  }
  return out;
}

Result<Fd> WeightFiles::load(const std::filesystem::path& path, const StoredFile& expected) const {
  const char* name = expected.sha256.c_str();
  const int made = mount_.valid() ? openat(mount_.get(), name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444)
                                  : memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  Fd file(made);
  if (!file.valid()) return failErrno("memory for " + path.filename().string(), errno);
  // The name goes at once: the descriptor is the file, and nothing is left when it is closed.
  Fd reader(mount_.valid() ? openat(mount_.get(), name, O_RDONLY | O_CLOEXEC)
                           : open(fmt::format("/proc/self/fd/{}", file.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (mount_.valid()) unlinkat(mount_.get(), name, 0);
  if (!reader.valid()) return failErrno("memory for " + path.filename().string(), errno);
  if (ftruncate(file.get(), expected.size) != 0) return failErrno("memory for " + path.filename().string(), errno);
  {
    const Filling filling(file.get(), expected.size);
    if (filling.data() == nullptr || !filling.reserve(expected.size)) {
      return failErrno("memory for " + path.filename().string(), errno);
    }
    TRY_VOID(fill(filling.data(), path, expected));
  }
  if (!mount_.valid()) fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  return reader;
}

}  // namespace lectern::model
