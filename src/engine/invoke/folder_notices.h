#pragma once
// What the kernel tells of files in folders: complete ones (closed after writing, or moved in).

#include <filesystem>
#include <functional>
#include <string>

#include "base/files.h"
#include "base/result.h"
#include "net/loop.h"

namespace lectern::engine {

class FolderNotices {
 public:
  /// The watch and the file's name.
  using Appeared = std::function<void(int, const std::string&)>;
  /// Notices were lost: files appeared faster than they could be noted.
  using Lost = std::function<void()>;

  FolderNotices(net::Loop& loop, Appeared appeared, Lost lost);
  ~FolderNotices();

  /// Watches a folder, from now on; the watch's number.
  Result<int> add(const std::filesystem::path& directory);
  void remove(int watch);

 private:
  void onReadable();

  net::Loop& loop_;
  Appeared appeared_;
  Lost lost_;
  Fd inotify_;
};

}  // namespace lectern::engine
