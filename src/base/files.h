#pragma once
// Files: whole reads with a limit, atomic writes, folders of our own.

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"

namespace lectern {

/// The file's bytes; kTooLarge when it has more than `limit`.
Result<std::string> readFile(const std::filesystem::path& path, Bytes limit = gibibytes(1));

/// The first `bytes` of a file, fewer when it is shorter.
Result<std::string> readHead(const std::filesystem::path& path, size_t bytes);

/// Writes beside the target and renames, so that a reader sees the old or the new file, never a part.
/// Syncs before the rename; a full disk leaves the old file and no leftovers.
Result<void> writeFileAtomic(const std::filesystem::path& path, std::string_view content);

/// A new empty folder that is removed with everything in it when this object goes.
class TempDir {
 public:
  static Result<TempDir> create(std::string_view prefix = "lectern-");
  TempDir(TempDir&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  TempDir& operator=(TempDir&& other) noexcept;
  ~TempDir();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TempDir(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void close();

 private:
  int fd_ = -1;
};

/// The folder for what Lectern keeps between runs: $LECTERN_CACHE, $XDG_CACHE_HOME/lectern or ~/.cache/lectern.
std::filesystem::path cacheDir();

/// Where fetched models and libraries are: $LECTERN_ASSETS or cacheDir()/assets.
std::filesystem::path assetsDir();

}  // namespace lectern
