#pragma once
// Files that appear in a folder become Event invocations, as an upload to a bucket does on AWS.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/invoke/async.h"
#include "engine/invoke/folder_notices.h"
#include "net/loop.h"

namespace lectern::engine {

struct WatchedFolder {
  std::string function;
  std::filesystem::path directory;
  std::vector<std::string> patterns;  // of file names, as in shells; none: all
};

class FolderWatch {
 public:
  FolderWatch(net::Loop& loop, Registry& registry, AsyncInvoker& async);

  /// Files that are complete (closed after writing, or moved in) from now on. Names that begin with a dot and links
  /// are left alone.
  Result<void> add(WatchedFolder folder);

 private:
  void appeared(const WatchedFolder& folder, const std::string& name);

  Registry& registry_;
  AsyncInvoker& async_;
  FolderNotices notices_;
  std::map<int, std::vector<WatchedFolder>> folders_;  // by watch
};

}  // namespace lectern::engine
