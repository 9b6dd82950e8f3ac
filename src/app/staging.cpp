#include "app/staging.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

namespace lectern::app {

namespace fs = std::filesystem;

namespace {

constexpr const char* kMark = ".writing-";

/// The folder, locked; not valid when another run has it or when it is gone.
Fd lockFolder(const fs::path& folder) {
  Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat info {};
  if (fd.valid() && (flock(fd.get(), LOCK_EX | LOCK_NB) != 0 || fstat(fd.get(), &info) != 0 || info.st_nlink == 0))
    fd.close();
  return fd;
}

}  // namespace

Result<Staging> Staging::create(const fs::path& out, const std::string& name) {
  const fs::path parent = out / ".lectern";
  std::error_code ec;
  fs::create_directories(parent, ec);
  if (ec) return failErrno("create the folder " + parent.string(), ec.value());
  // Another run that clears up may take a folder away between its creation and its lock.
  for (int tries = 0; tries < 100; ++tries) {
    std::string folder = (parent / (name + kMark + "XXXXXX")).string();
    if (mkdtemp(folder.data()) == nullptr) return failErrno("create a folder " + folder, errno);
    if (Fd lock = lockFolder(folder); lock.valid()) return Staging(out, folder, std::move(lock));
    fs::remove(folder, ec);
  }
  return fail(Code::kInternal, "cannot lock a folder in " + parent.string());
}

void Staging::removeLeftovers(const fs::path& out) {
  std::error_code ec, ignored;
  for (fs::directory_iterator it(out / ".lectern", ec), end; !ec && it != end; it.increment(ec)) {
    if (it->path().filename().string().find(kMark) == std::string::npos) continue;
    if (const Fd lock = lockFolder(it->path()); lock.valid()) fs::remove_all(it->path(), ignored);
  }
}

Staging::Staging(Staging&& other) noexcept
    : out_(std::move(other.out_)), folder_(std::move(other.folder_)), lock_(std::move(other.lock_)) {
  other.folder_.clear();
}

Staging::~Staging() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

Result<void> Staging::commit(const std::vector<fs::path>& files) {
  for (const auto& file : files) {
    const fs::path target = out_ / file.filename();
    if (std::rename(file.c_str(), target.c_str()) != 0) return failErrno("rename to " + target.string(), errno);
  }
  return {};
}

}  // namespace lectern::app
