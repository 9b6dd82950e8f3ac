#pragma once
// Folders of this machine as event sources: files in them become Event invocations, as uploads to a bucket do on AWS. There
// are two ways to name a folder:
// - An event source mapping: its files, those there at the start too, come in batches. A file is noted as taken in the
//   transaction that stores the event, so that a kill at any moment neither loses it nor takes it twice.
// - A watch of a configuration file: each file from now on is an event of its own; nothing is noted over a restart.
// Files count when they are complete (closed after writing, or moved in) and have changed. Names that begin with a dot and
// links are left alone.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "contract/event_filter.h"
#include "engine/control/registry.h"
#include "engine/invoke/async.h"
#include "engine/invoke/folder_notices.h"
#include "net/loop.h"

namespace lectern::engine {

struct WatchedFolder {
  std::string function;
  std::filesystem::path directory;
  std::vector<std::string> patterns;  // of file names, as in shells; none: all
};

class FolderSources {
 public:
  FolderSources(net::Loop& loop, Registry& registry, AsyncInvoker& async);
  ~FolderSources();

  /// Brings what is watched in line with the mappings.
  void sync();
  Result<void> add(WatchedFolder folder);

 private:
  struct File {
    std::string name, identity;
    int64_t size = 0;
  };
  struct Source {
    // Settings.
    contract::FunctionRef function;
    std::filesystem::path directory;
    std::string arn;
    std::vector<std::string> patterns;
    contract::EventFilter filter;
    size_t batch = 1;
    Nanos window{0};
    bool mapped = false;  // of an event source mapping, else of a configuration file
    // State.
    int watch = -1;
    std::map<std::string, std::string> taken;  // identity by name
    std::vector<File> pending;
    uint64_t timer = 0;
  };

  std::vector<std::string> namesIn(const Source& source) const;
  void scan(const std::string& key);
  void offer(const std::string& key, const std::string& name);
  void flush(const std::string& key);
  void stop(Source& source);
  void configure(Source& source, const json::object& mapping);

  net::Loop& loop_;
  Registry& registry_;
  AsyncInvoker& async_;
  FolderNotices notices_;
  std::map<std::string, Source> sources_;  // by the mapping's UUID, or "watch FUNCTION DIRECTORY"
};

}  // namespace lectern::engine
