#pragma once
// What this machine offers to sandboxes: found out by trying, not by reading versions.

#include <string>
#include <vector>

namespace lectern::sandbox {

enum class Isolation {
  kFull,      // namespaces, limits by cgroups, system call filter
  kDegraded,  // namespaces through a user namespace; memory and CPU limits are not enforced
  kNone,      // plain processes with resource limits
};

struct Capabilities {
  Isolation isolation = Isolation::kNone;
  std::string message;  // "isolation: degraded (...): ..." for the user; empty when full
  bool root = false;
  bool user_namespaces = false;
  bool seccomp = false;
  std::string cgroups;                   // "v1+v2", "v1", "v2" or "none"
  std::vector<std::string> controllers;  // "memory", "cpu", "pids", "freeze", "kill"
  bool templates = false;                // forks into fresh sandboxes are possible
};

const char* isolationName(Isolation isolation);

}  // namespace lectern::sandbox
