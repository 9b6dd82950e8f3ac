#include "model/formats/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/files.h"

namespace lectern::model::formats {

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return failErrno("open " + path.string(), errno);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return failErrno("stat " + path.string(), errno);
  if (!S_ISREG(status.st_mode)) return fail(Code::kInvalid, path.string() + " is not a file");
  if (status.st_size == 0) return fail(Code::kCorrupt, path.string() + " is empty");
  const auto size = static_cast<size_t>(status.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) return failErrno("map " + path.string(), errno);
  return MappedFile(static_cast<const char*>(data), size);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<char*>(data_), size_);
}

Result<PieceWriter> PieceWriter::create(const std::filesystem::path& path) {
  std::filesystem::path temporary = path;
  temporary += ".part";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return failErrno("create " + temporary.string(), errno);
  return PieceWriter(path, temporary, fd);
}

PieceWriter::PieceWriter(PieceWriter&& other) noexcept
    : path_(std::move(other.path_)), temporary_(std::move(other.temporary_)), fd_(other.fd_), written_(other.written_) {
  other.fd_ = -1;
}

PieceWriter::~PieceWriter() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(temporary_.c_str());
}

Result<void> PieceWriter::write(std::string_view piece) {
  while (!piece.empty()) {
    const ssize_t n = ::write(fd_, piece.data(), std::min<size_t>(piece.size(), 1 << 26));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failErrno("write " + temporary_.string(), errno);
    piece.remove_prefix(static_cast<size_t>(n));
    written_ += n;
  }
  return {};
}

Result<void> PieceWriter::commit() {
  const bool synced = fsync(fd_) == 0;
  const bool closed = close(std::exchange(fd_, -1)) == 0;
  if (synced && closed && rename(temporary_.c_str(), path_.c_str()) == 0) return {};
  const int error = errno;
  unlink(temporary_.c_str());
  return failErrno("write " + path_.string(), error);
}

}  // namespace lectern::model::formats
