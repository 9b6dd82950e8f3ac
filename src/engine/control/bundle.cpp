#include "engine/control/bundle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/files.h"

namespace lectern::engine {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kMaxEntries = 200'000;
constexpr size_t kMaxLink = 4096;

struct ArchiveCloser {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct FileCloser {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Archive = std::unique_ptr<zip_t, ArchiveCloser>;

/// Whether a relative path, followed from `depth` directories below the root, ever leaves the root.
bool leavesRoot(std::string_view path, int depth) {
  if (path.starts_with('/')) return true;
  while (!path.empty()) {
    size_t end = path.find('/');
    std::string_view part = path.substr(0, end);
    path = end == std::string_view::npos ? std::string_view{} : path.substr(end + 1);
    if (part == "..") {
      if (--depth < 0) return true;
    } else if (!part.empty() && part != ".") {
      ++depth;
    }
  }
  return false;
}

int depthOf(std::string_view path) {
  int depth = 0;
  while (!path.empty()) {
    size_t end = path.find('/');
    std::string_view part = path.substr(0, end);
    if (!part.empty() && part != ".") ++depth;
    if (end == std::string_view::npos) break;
    path = path.substr(end + 1);
  }
  return depth;
}

bool badName(std::string_view name) {
  if (name.empty() || name.size() > kMaxLink || name.starts_with('/') || name.find('\\') != std::string_view::npos) {
    return true;
  }
  for (size_t at = 0; at < name.size();) {
    size_t end = std::min(name.find('/', at), name.size());
    if (name.substr(at, end - at) == "..") return true;
    at = end + 1;
  }
  return false;
}

class Unpacker {
 public:
  Unpacker(zip_t* archive, fs::path directory, Bytes limit)
      : archive_(archive), directory_(std::move(directory)), limit_(limit) {}

  Result<Bytes> run() {
    int64_t count = zip_get_num_entries(archive_, 0);
    if (count > kMaxEntries) return fail(Code::kTooLarge, "more than 200000 entries");
    for (int64_t i = 0; i < count; ++i) TRY_VOID(entry(uint64_t(i)));
    // Links come last, so that no entry can be written through one.
    for (auto& [name, target] : links_) TRY_VOID(link(name, target));
    return total_;
  }

 private:
  Result<void> entry(uint64_t index) {
    const char* raw = zip_get_name(archive_, index, ZIP_FL_ENC_GUESS);
    if (!raw) return fail(Code::kCorrupt, "an entry without a name");
    std::string name = raw;
    if (badName(name)) return fail(Code::kDenied, "entry \"" + name.substr(0, 200) + "\" leads out of the bundle");
    uint8_t system = 0;
    uint32_t attributes = 0;
    zip_file_get_external_attributes(archive_, index, 0, &system, &attributes);
    mode_t mode = system == ZIP_OPSYS_UNIX ? mode_t(attributes >> 16) : 0;
    fs::path path = directory_ / name;
    std::error_code error;
    if (name.back() == '/') {
      fs::create_directories(path, error);
      return error ? failErrno("make " + name, error.value()) : Result<void>{};
    }
    if (S_ISLNK(mode)) return readLink(index, name);
    if (mode != 0 && !S_ISREG(mode) && (mode & S_IFMT) != 0) {
      return fail(Code::kDenied, "entry \"" + name + "\" is neither file, directory nor link");
    }
    fs::create_directories(path.parent_path(), error);
    if (error) return failErrno("make the directory of " + name, error.value());
    return file(index, name, path, (mode & 0111) != 0 ? 0755 : 0644);
  }

  Result<void> file(uint64_t index, const std::string& name, const fs::path& path, mode_t mode) {
    std::unique_ptr<zip_file_t, FileCloser> in(zip_fopen_index(archive_, index, 0));
    if (!in) return fail(Code::kCorrupt, name + ": " + zip_strerror(archive_));
    Fd out(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!out.valid()) return failErrno("write " + name, errno);
    std::vector<char> buffer(256 * 1024);
    for (;;) {
      int64_t n = zip_fread(in.get(), buffer.data(), buffer.size());
      if (n < 0) return fail(Code::kCorrupt, name + ": damaged");
      if (n == 0) break;
      total_ += Bytes{n};
      if (total_ > limit_) return tooLarge();
      for (int64_t done = 0; done < n;) {
        ssize_t written = write(out.get(), buffer.data() + done, size_t(n - done));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return failErrno("write " + name, errno);
        done += written;
      }
    }
    fchmod(out.get(), mode);
    return {};
  }

  Result<void> readLink(uint64_t index, const std::string& name) {
    std::unique_ptr<zip_file_t, FileCloser> in(zip_fopen_index(archive_, index, 0));
    std::string target(kMaxLink + 1, '\0');
    int64_t n = in ? zip_fread(in.get(), target.data(), target.size()) : -1;
    if (n <= 0 || n > int64_t(kMaxLink)) return fail(Code::kCorrupt, name + ": damaged link");
    target.resize(size_t(n));
    if (target.find('\0') != std::string::npos || leavesRoot(target, depthOf(name) - 1)) {
      return fail(Code::kDenied, "link \"" + name + "\" leads out of the bundle");
    }
    links_.emplace_back(name, target);
    return {};
  }

  Result<void> link(const std::string& name, const std::string& target) {
    fs::path path = directory_ / name;
    std::error_code error;
    // The directories of a link must be real ones: a chain of links could climb.
    for (fs::path part = path.parent_path(); part != directory_ && part.has_relative_path();
         part = part.parent_path()) {
      if (fs::is_symlink(fs::symlink_status(part, error))) {
        return fail(Code::kDenied, "link \"" + name + "\" stands behind another link");
      }
    }
    fs::create_directories(path.parent_path(), error);
    fs::create_symlink(target, path, error);
    return error ? failErrno("link " + name, error.value()) : Result<void>{};
  }

  Failure tooLarge() const {
    return fail(Code::kTooLarge, "Unzipped size must be smaller than " + std::to_string(limit_.value) + " bytes");
  }

  zip_t* archive_;
  fs::path directory_;
  Bytes limit_;
  Bytes total_;
  std::vector<std::pair<std::string, std::string>> links_;
};

}  // namespace

Result<Bytes> unpackZip(std::string_view bytes, const fs::path& directory, Bytes limit) {
  if (!bytes.starts_with("PK")) return fail(Code::kCorrupt, "not a zip archive");
  zip_error_t zip_error;
  zip_error_init(&zip_error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &zip_error);
  if (!source) return fail(Code::kInternal, "libzip: no memory");
  Archive archive(zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &zip_error));
  if (!archive) {
    zip_source_free(source);
    return fail(Code::kCorrupt, std::string("not a zip archive: ") + zip_error_strerror(&zip_error));
  }
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return failErrno("make " + directory.string(), error.value());
  auto size = Unpacker(archive.get(), directory, limit).run();
  if (!size) fs::remove_all(directory, error);
  return size;
}

Result<Bytes> measureDirectory(const fs::path& directory) {
  Bytes total;
  std::error_code error;
  fs::recursive_directory_iterator it(directory, error), end;
  if (error) return failErrno("read " + directory.string(), error.value());
  int64_t count = 0;
  for (; it != end; it.increment(error)) {
    if (error) return failErrno("read " + directory.string(), error.value());
    if (++count > kMaxEntries) return fail(Code::kTooLarge, directory.string() + " has more than 200000 entries");
    if (it->is_symlink(error)) {
      fs::path inside = it->path().lexically_relative(directory);
      fs::path target = fs::read_symlink(it->path(), error);
      if (error || leavesRoot(target.string(), depthOf(inside.string()) - 1)) {
        return fail(Code::kDenied, "link \"" + inside.string() + "\" leads out of the bundle");
      }
    } else if (it->is_regular_file(error)) {
      total += Bytes{int64_t(it->file_size(error))};
    }
  }
  return total;
}

}  // namespace lectern::engine
