#pragma once
// Event source mappings with a folder of this machine as their source: its files, those there at the start too, become
// Event invocations in batches. A file is noted as taken in the transaction that stores the event, so that a kill at
// any moment neither loses it nor takes it twice; the event's own retries are AsyncInvoker's.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/control/registry.h"
#include "engine/invoke/async.h"
#include "engine/invoke/folder_notices.h"
#include "net/loop.h"

namespace lectern::engine {

class FolderSources {
 public:
  FolderSources(net::Loop& loop, Registry& registry, AsyncInvoker& async);
  ~FolderSources();

  /// Brings what is watched in line with the mappings.
  void sync();

 private:
  struct File {
    std::string name, identity;
    int64_t size = 0;
  };
  struct Source {
    std::filesystem::path directory;
    int watch = -1;
    std::map<std::string, std::string> taken;  // identity by name
    std::vector<File> pending;
    uint64_t timer = 0;
  };

  void begin(const std::string& uuid, Source& source);
  void scan(const std::string& uuid);
  void offer(const std::string& uuid, const std::string& name);
  void flush(const std::string& uuid);
  void stop(Source& source);

  net::Loop& loop_;
  Registry& registry_;
  AsyncInvoker& async_;
  FolderNotices notices_;
  std::map<std::string, Source> sources_;  // by the mapping's UUID
};

}  // namespace lectern::engine
