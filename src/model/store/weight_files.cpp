#include "model/store/weight_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/mount.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
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
  Filling(int descriptor, int64_t size)
      : descriptor_(descriptor), size_(static_cast<size_t>((size + kHugePage - 1) / kHugePage * kHugePage)) {
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
  /// since fallocate() takes small pages where large ones have to be freed first; that is for kernels that know nothing
  /// better. False: errno says why.
  bool reserve(int64_t size, bool populate) const {
    for (int64_t at = 0; at < size; at += kReserved) {
      const int64_t length = std::min(size - at, kReserved);
      int done = -1;
      while (populate && (done = madvise(data_ + at, static_cast<size_t>(length), MADV_POPULATE_WRITE)) != 0 &&
             errno == EINTR) {
      }
      if (populate && done != 0 && errno == EINVAL) populate = false;  // before Linux 5.14
      while (!populate && (done = fallocate(descriptor_, 0, at, length)) != 0 && errno == EINTR) {
      }
      if (done != 0) return false;
    }
    return true;
  }

 private:
  static constexpr int64_t kReserved = 64 << 20;  // at a time
  int descriptor_;
  size_t size_;
  void* raw_ = MAP_FAILED;
  char* data_ = nullptr;
};

/// The digest is of what is in memory, so that what was checked is what functions use.
Result<std::string> fill(char* to, int from, int64_t size) {
  for (int64_t done = 0; done < size;) {
    const auto want = static_cast<size_t>(std::min<int64_t>(size - done, 64 << 20));
    const ssize_t n = pread(from, to + done, want, done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failErrno("read weights", errno);
    if (n == 0) return fail(Code::kCorrupt, "the file shrank while it was read");
    done += n;
  }
  posix_fadvise(from, 0, 0, POSIX_FADV_DONTNEED);  // else memory holds the file twice
  return sha256Hex({to, static_cast<size_t>(size)});
}
}  // namespace

WeightFiles WeightFiles::create(Bytes limit, bool populate) {
  WeightFiles out;
  out.mount_ = hugeFileSystem(limit);
  out.populate_ = populate;
  if (!out.mount_.valid()) {
    logWarn("keeper: no file system of 2 MB pages (needs root); weights lie in small pages and start slower");
  }
  return out;
}

Result<WeightFiles::Loaded> WeightFiles::load(int from, int64_t size) const {
  // A name for the moment between the two opens: the descriptor is the file, and nothing is left when it is closed.
  static std::atomic<uint64_t> number = 0;
  const std::string name = fmt::format("weights-{}", ++number);
  Fd file(mount_.valid() ? openat(mount_.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444)
                         : memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid()) return failErrno("memory for weights", errno);
  Loaded out;
  out.file = Fd(mount_.valid() ? openat(mount_.get(), name.c_str(), O_RDONLY | O_CLOEXEC)
                               : open(fmt::format("/proc/self/fd/{}", file.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (mount_.valid()) unlinkat(mount_.get(), name.c_str(), 0);
  if (!out.file.valid() || ftruncate(file.get(), size) != 0) return failErrno("memory for weights", errno);
  {
    const Filling filling(file.get(), size);
    if (filling.data() == nullptr || !filling.reserve(size, populate_)) return failErrno("memory for weights", errno);
    TRY(out.sha256, fill(filling.data(), from, size));
  }
  if (!mount_.valid()) fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  return out;
}

}  // namespace lectern::model
