#pragma once
// Control groups, versions 1 and 2 behind one interface. All groups of one spawner are below one directory of its own
// in each hierarchy, itself below the group the spawner was started in, so that outer limits still hold.

#include <string>
#include <vector>

#include "spawner/protocol.h"

namespace lectern::spawner {

/// The groups of one sandbox. Moved, never copied.
struct GroupSet {
  std::string name;
  std::vector<int> dirs;   // one for each hierarchy of Groups, -1 where the group is missing
  // v1 "tasks" files: a process of one thread joins by writing "0". Unlike cgroup.procs that needs no lock over all
  // forks of the machine, for which the kernel waits milliseconds.
  std::vector<int> joins;
  int unified = -1;        // the v2 directory, for CLONE_INTO_CGROUP
  int pressure = -1;       // tells of pressure_events when memory use passes the watched mark
  uint32_t pressure_events = 0;
  uint64_t memory_limit = 0, tmp_size = 0;
  uint64_t mark = 0;  // the memory use that is watched for
};

class Groups {
 public:
  /// `first`: all groups together outweigh everything else that runs, so that quotas are reached on a busy machine too.
  explicit Groups(bool first = false) : first_(first) {}
  /// Finds the hierarchies, makes this spawner's directories and removes those of dead spawners. Must run while the
  /// host's file system is visible. After it, nothing needs paths.
  void setUp();
  /// Removes this spawner's directories.
  void tearDown();

  bool has(const char* controller) const { return find(controller) >= 0; }
  /// True when memory, CPU and process counts can be limited.
  bool complete() const { return has("memory") && has("cpu") && has("pids"); }
  std::string describe() const;
  std::vector<std::string> controllers() const;
  const std::string& trouble() const { return trouble_; }

  /// Makes the groups of one sandbox, without limits. False when one could not be made. A fork of a template comes into
  /// being outside, so it has a group that is cheap to move into (v1 freezer, if any) in place of version 2's.
  bool create(const std::string& name, bool fork, GroupSet& set);
  void limit(GroupSet& set, const Spec& spec);
  /// Opens the files that the engine uses itself; `bits` says which (FdKind).
  std::vector<int> controlFiles(const GroupSet& set, uint32_t& bits) const;
  void killAll(const GroupSet& set) const;
  /// Called when set.pressure tells of something. `tmp_used`: bytes in the sandbox's /tmp, which are not counted against the
  /// memory limit. True when the limit is passed; else set.mark is what is to be watched for from now on.
  bool overLimit(GroupSet& set, uint64_t tmp_used) const;
  /// Version 2: watches for set.mark. Version 1: opens the files with which the init does that, since the kernel lets
  /// the writer wait for milliseconds: cgroup.event_control, set.pressure, the usage file (not opened: it fails).
  std::vector<int> watchMark(const GroupSet& set) const;
  bool markPassed(const GroupSet& set) const;
  /// The kernel has killed something in the group for want of memory.
  bool killedForMemory(const GroupSet& set) const;
  void measure(const GroupSet& set, Ending& ending) const;
  /// True when the groups are gone; false: call again, the kernel still holds them.
  bool remove(GroupSet& set);

 private:
  struct Hierarchy {
    std::string controllers;  // "memory", "cpu,cpuacct" or "" for version 2
    bool v2 = false;
    int dir = -1;  // this spawner's directory, locked as long as the spawner lives
    std::string path;
  };
  int find(const char* controller) const;
  void add(const std::string& mount_point, const std::string& controllers, bool v2, const std::string& own_path);
  void removeStale(const std::string& parent);
  int dirOf(const GroupSet& set, const char* controller, bool* v2) const;

  bool first_;
  std::vector<Hierarchy> hierarchies_;
  std::vector<std::string> v2_controllers_;
  std::string trouble_;
};

}  // namespace lectern::spawner
