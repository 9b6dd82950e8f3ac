#include <unistd.h>

#include <fstream>
#include <sstream>

#include "model/store/keeper.h"

namespace lectern::model {

namespace fs = std::filesystem;

namespace {
// Not as the spawner names its groups: it ends what is in those whose spawner is gone.
const std::string kPrefix = "weights-of-lectern-";

/// Control files take a value by one write and refuse by failing it.
bool put(const fs::path& file, const std::string& value) {
  std::ofstream out(file);
  out << value << std::flush;
  return out.good();
}

std::string text(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// This process's group of one hierarchy, below `mount`; the mount itself where that shows only a part. `line` is how the
/// hierarchy's line in /proc/self/cgroup goes on after its number.
fs::path ownGroup(const fs::path& mount, const std::string& line) {
  std::istringstream groups(text("/proc/self/cgroup"));
  for (std::string entry; std::getline(groups, entry);) {
    const size_t colon = entry.find(':');
    if (colon == std::string::npos || entry.compare(colon, line.size(), line) != 0) continue;
    std::error_code error;
    const fs::path own = mount / fs::path(entry.substr(colon + line.size())).relative_path();
    return fs::exists(own / "cgroup.procs", error) ? own : mount;
  }
  return mount;
}

/// Groups of keepers that were killed.
void removeStale(const fs::path& parent) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(parent, error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(kPrefix) && !fs::exists("/proc/" + name.substr(kPrefix.size()), error)) rmdir(entry.path().c_str());
  }
}
}  // namespace

Result<MemoryGroup> joinMemoryGroup(Bytes limit) {
  std::error_code error;
  const fs::path v1 = "/sys/fs/cgroup/memory", v2 = "/sys/fs/cgroup";
  const bool first = fs::exists(v1 / "memory.limit_in_bytes", error);
  // Below our own group, so that limits from outside still hold.
  MemoryGroup out;
  out.before = first ? ownGroup(v1, ":memory:") : ownGroup(v2, "::");
  fs::path parent = out.before;
  if (!first) {
    // A version 2 group that has processes cannot pass controllers on: the nearest one above that does.
    while (parent != v2 && text(parent / "cgroup.subtree_control").find("memory") == std::string::npos) {
      parent = parent.parent_path();
    }
  }
  removeStale(parent);
  out.group = parent / (kPrefix + std::to_string(getpid()));
  fs::create_directory(out.group, error);
  if (error) {
    return fail(Code::kUnavailable, "make " + out.group.string() + ": " + error.message() +
                                        ": weights are charged to the keeper's caller");
  }
  if (!put(out.group / (first ? "memory.limit_in_bytes" : "memory.max"), std::to_string(limit.value)) ||
      !put(out.group / "cgroup.procs", std::to_string(getpid()))) {
    rmdir(out.group.c_str());
    return fail(Code::kUnavailable, out.group.string() + " cannot be joined: weights are charged to the keeper's caller");
  }
  return out;
}

void leaveMemoryGroup(const MemoryGroup& joined) {
  put(joined.before / "cgroup.procs", std::to_string(getpid()));
  rmdir(joined.group.c_str());
}

}  // namespace lectern::model
