#include <unistd.h>

#include <fstream>

#include "model/store/keeper.h"

namespace lectern::model {

namespace fs = std::filesystem;

namespace {
/// Control files take a value by one write and refuse by failing it.
bool put(const fs::path& file, const std::string& value) {
  std::ofstream out(file);
  out << value << std::flush;
  return out.good();
}
}  // namespace

Result<fs::path> joinMemoryGroup(const std::string& name, Bytes limit) {
  std::error_code error;
  const fs::path v1 = "/sys/fs/cgroup/memory", v2 = "/sys/fs/cgroup";
  const bool first = fs::exists(v1 / "memory.limit_in_bytes", error);
  if (!first && !put(v2 / "cgroup.subtree_control", "+memory")) {
    return fail(Code::kUnavailable, "no memory cgroup can be made here: weights are charged to the keeper's caller");
  }
  const fs::path group = (first ? v1 : v2) / name;
  fs::create_directory(group, error);
  if (error) return fail(Code::kUnavailable, "make " + group.string() + ": " + error.message());
  if (!put(group / (first ? "memory.limit_in_bytes" : "memory.max"), std::to_string(limit.value)) ||
      !put(group / "cgroup.procs", std::to_string(getpid()))) {
    return fail(Code::kUnavailable, group.string() + " cannot be joined");
  }
  return group;
}

void leaveMemoryGroup(const fs::path& group) {
  std::error_code ignored;
  put(group.parent_path() / "cgroup.procs", std::to_string(getpid()));
  fs::remove(group, ignored);
}

}  // namespace lectern::model
