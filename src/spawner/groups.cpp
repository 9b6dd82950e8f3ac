#include "spawner/groups.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <sstream>

#include "spawner/system.h"

namespace lectern::spawner {
namespace {

const char kPrefix[] = "lectern-";

bool contains(const std::string& list, const std::string& word) {
  return ("," + list + ",").find("," + word + ",") != std::string::npos;
}

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, by);) parts.push_back(part);
  return parts;
}

uint64_t numberAt(int dir, const char* file, const char* after = nullptr) {
  std::string text = readTextAt(dir, file);
  size_t at = after ? text.find(after) : 0;
  if (at == std::string::npos) return 0;
  return strtoull(text.c_str() + at + (after ? std::char_traits<char>::length(after) : 0), nullptr, 10);
}

/// Kills what is left in a directory of groups of a dead spawner and removes it.
void removeTree(const std::string& path, int depth) {
  if (DIR* dir = depth > 0 ? opendir(path.c_str()) : nullptr) {
    while (dirent* entry = readdir(dir)) {
      std::string name = entry->d_name;
      if (entry->d_type == DT_DIR && name != "." && name != "..") removeTree(path + "/" + name, depth - 1);
    }
    closedir(dir);
  }
  writeText((path + "/cgroup.kill").c_str(), "1");
  writeText((path + "/freezer.state").c_str(), "THAWED");
  for (const auto& pid : split(readText((path + "/cgroup.procs").c_str()), '\n')) {
    // Processes of another process namespace are listed as 0, which would be ourselves.
    if (const int number = atoi(pid.c_str()); number > 0) kill(number, SIGKILL);
  }
  for (int i = 0; i < 50 && rmdir(path.c_str()) != 0 && errno == EBUSY; ++i) {
    timespec pause{0, 2'000'000};
    nanosleep(&pause, nullptr);
  }
}

/// The directory of groups, locked as long as the descriptor is open; -1 when a living spawner has it or it is gone.
int lockDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

/// Makes a directory for this spawner and locks it. A spawner of another process namespace may have the same number.
std::string makeOwn(const std::string& parent, int& lock) {
  const std::string own = parent + "/" + kPrefix + std::to_string(getpid());
  std::string path = own;
  for (int n = 2; n < 100 && mkdir(path.c_str(), 0755) != 0; ++n) {
    if (errno != EEXIST) return lock = -1, path;
    path = own + "-" + std::to_string(n);
  }
  lock = lockDirectory(path);
  return path;
}

}  // namespace

void Groups::removeStale(const std::string& parent) {
  DIR* dir = opendir(parent.c_str());
  if (!dir) return;
  while (dirent* entry = readdir(dir)) {
    std::string name = entry->d_name;
    if (!name.starts_with(kPrefix)) continue;
    // The lock tells of spawners in other process namespaces, whose numbers mean nothing here; the number, of one that
    // has not locked its directory yet. "PID (lectern-spawner) S ...": one that was killed may still wait for its
    // engine to notice.
    std::string stat = readText(("/proc/" + name.substr(sizeof kPrefix - 1) + "/stat").c_str());
    bool lives = stat.find("(lectern-spawner") != std::string::npos && stat.find(") Z ") == std::string::npos;
    const int lock = lives ? -1 : lockDirectory(parent + "/" + name);
    if (lock < 0) continue;
    removeTree(parent + "/" + name, 2);
    close(lock);
  }
  closedir(dir);
}

void Groups::add(const std::string& mount_point, const std::string& controllers, bool v2,
                 const std::string& own_path) {
  std::vector<std::string> parents = {mount_point + own_path, mount_point + "/lectern"};
  if (v2) {
    // A version 2 group that has processes cannot pass controllers on: use the nearest one above that does.
    std::string above = own_path;
    while (!above.empty() && above != "/" &&
           readText((mount_point + above + "/cgroup.subtree_control").c_str()).find("memory") == std::string::npos) {
      above = above.substr(0, above.rfind('/'));
    }
    parents.insert(parents.begin(), mount_point + above);
  }
  for (const auto& parent : parents) {
    removeStale(parent);
    int lock = -1;
    const std::string path = makeOwn(parent, lock);
    if (lock < 0) {
      if (trouble_.empty()) trouble_ = "mkdir " + path + ": errno " + std::to_string(errno);
      continue;
    }
    if (v2) {
      std::string available = readText((path + "/cgroup.controllers").c_str());
      for (const char* wanted : {"memory", "cpu", "pids"}) {
        if (available.find(wanted) != std::string::npos &&
            writeText((path + "/cgroup.subtree_control").c_str(), std::string("+") + wanted) == 0) {
          v2_controllers_.push_back(wanted);
        }
      }
    }
    if (first_) {
      // The kernel's largest weights; an ordinary program has 1024 of the first and 100 of the second kind.
      writeText((path + (v2 ? "/cpu.weight" : "/cpu.shares")).c_str(), v2 ? "10000" : "262144");
    }
    hierarchies_.push_back({controllers, v2, lock, path});
    return;
  }
}

void Groups::setUp() {
  std::vector<std::pair<std::string, std::string>> own;  // controllers -> path of our own group
  for (const auto& line : split(readText("/proc/self/cgroup"), '\n')) {
    auto first = line.find(':'), second = line.find(':', first + 1);
    if (second != std::string::npos)
      own.emplace_back(line.substr(first + 1, second - first - 1), line.substr(second + 1));
  }
  std::vector<std::string> seen;
  const std::string mounts = readText("/proc/self/mountinfo");
  for (const auto& line : split(mounts, '\n')) {
    auto dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    auto before = split(line.substr(0, dash), ' '), after = split(line.substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3 || (after[0] != "cgroup" && after[0] != "cgroup2")) continue;
    bool v2 = after[0] == "cgroup2";
    for (const auto& [controllers, path] : own) {
      bool mine = v2 ? controllers.empty() : !controllers.empty() && contains(after[2], split(controllers, ',')[0]);
      bool wanted = v2;
      for (const char* name : {"memory", "cpu", "cpuacct", "pids", "freezer"}) wanted |= contains(controllers, name);
      if (!mine || !wanted || std::find(seen.begin(), seen.end(), controllers) != seen.end()) continue;
      seen.push_back(controllers);
      // The mount may show only a part of the hierarchy, whose path has to be taken off ours.
      std::string inside = path;
      if (before[3] != "/" && inside.starts_with(before[3])) inside = inside.substr(before[3].size());
      add(before[4], controllers, v2, inside == "/" ? "" : inside);
    }
  }
  // What was frozen could not die before its version 1 freezer was reached above.
  for (const auto& h : hierarchies_) removeStale(h.path.substr(0, h.path.rfind('/')));
  if (int freezer = find("freezer"); freezer >= 0) {
    // Freezing the first and thawing the last version 1 group makes the kernel patch its code, which takes 4 ms: one
    // empty group stays frozen, so that no sandbox is ever the first or last.
    mkdirat(hierarchies_[static_cast<size_t>(freezer)].dir, "frozen", 0755);
    writeText((hierarchies_[static_cast<size_t>(freezer)].path + "/frozen/freezer.state").c_str(), "FROZEN");
  }
}

void Groups::tearDown() {
  if (int freezer = find("freezer"); freezer >= 0) {
    int dir = hierarchies_[static_cast<size_t>(freezer)].dir;
    writeTextAt(dir, "frozen/freezer.state", "THAWED");
    unlinkat(dir, "frozen", AT_REMOVEDIR);
  }
  for (auto& h : hierarchies_) {
    // By path from the directory above, which stays reachable through the descriptor.
    int up = openat(h.dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    unlinkat(up, h.path.substr(h.path.rfind('/') + 1).c_str(), AT_REMOVEDIR);
    close(up), close(h.dir);
  }
  hierarchies_.clear();
}

int Groups::find(const char* controller) const {
  for (size_t i = 0; i < hierarchies_.size(); ++i) {
    const auto& h = hierarchies_[i];
    bool here = h.v2 ? std::find(v2_controllers_.begin(), v2_controllers_.end(), controller) != v2_controllers_.end()
                     : contains(h.controllers, controller);
    if (here) return static_cast<int>(i);
  }
  return -1;
}

std::string Groups::describe() const {
  bool v1 = false, v2 = false;
  for (const auto& h : hierarchies_) (h.v2 ? v2 : v1) = true;
  return v1 && v2 ? "v1+v2" : v1 ? "v1" : v2 ? "v2" : "none";
}

std::vector<std::string> Groups::controllers() const {
  std::vector<std::string> list;
  for (const char* name : {"memory", "cpu", "cpuacct", "pids", "freezer"}) {
    if (has(name)) list.push_back(name);
  }
  for (const auto& h : hierarchies_) {
    if (h.v2) list.insert(list.end(), {"freeze", "kill"});
  }
  return list;
}

bool Groups::create(const std::string& name, bool fork, GroupSet& set) {
  set.name = name;
  bool v1_freezer = has("freezer");
  bool v2 = std::any_of(hierarchies_.begin(), hierarchies_.end(), [](const auto& h) { return h.v2; });
  for (const auto& h : hierarchies_) {
    int dir = -1;
    // One of the two that can freeze is enough: version 2 is better, but only a new process gets into it cheaply.
    bool needed = h.v2 ? !(fork && v1_freezer) || !v2_controllers_.empty()
                       : h.controllers != "freezer" || fork || !v2;
    if (!needed) {
      set.dirs.push_back(-1);
      continue;
    }
    if (mkdirat(h.dir, name.c_str(), 0755) == 0 || errno == EEXIST) {
      dir = openat(h.dir, name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    set.dirs.push_back(dir);
    if (dir < 0) return false;
    if (h.v2) {
      set.unified = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } else {
      set.joins.push_back(openat(dir, "tasks", O_WRONLY | O_CLOEXEC));
    }
  }
  return true;
}

int Groups::dirOf(const GroupSet& set, const char* controller, bool* v2) const {
  int index = find(controller);
  if (index < 0 || static_cast<size_t>(index) >= set.dirs.size()) return -1;
  *v2 = hierarchies_[static_cast<size_t>(index)].v2;
  return set.dirs[static_cast<size_t>(index)];
}

void Groups::limit(GroupSet& set, const Spec& spec) {
  bool v2 = false;
  set.memory_limit = spec.memory_limit, set.tmp_size = spec.tmp_size;
  // The kernel counts pages of /tmp as memory of the group, Lambda does not: the kernel's limit has room for both, and
  // the spawner watches the mark at which the rest passes the memory limit (overLimit).
  std::string both = std::to_string(spec.memory_limit + spec.tmp_size), mark = std::to_string(spec.memory_limit);
  if (int dir = dirOf(set, "memory", &v2); dir >= 0 && spec.memory_limit > 0) {
    if (v2) {
      writeTextAt(dir, "memory.max", both);
      writeTextAt(dir, "memory.swap.max", "0");
      writeTextAt(dir, "memory.oom.group", "1");
      writeTextAt(dir, "memory.high", mark);
      set.pressure = openat(dir, "memory.events", O_RDONLY | O_CLOEXEC);
      set.pressure_events = EPOLLPRI;  // it is always readable; a change is an exception until it is read
    } else {
      writeTextAt(dir, "memory.limit_in_bytes", both);
      writeTextAt(dir, "memory.memsw.limit_in_bytes", both);
      set.pressure = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
      set.pressure_events = EPOLLIN;
    }
    set.mark = spec.memory_limit;
  }
  if (int dir = dirOf(set, "pids", &v2); dir >= 0 && spec.max_pids > 0) {
    // One more for the init.
    writeTextAt(dir, "pids.max", std::to_string(spec.max_pids + 1));
  }
}

bool Groups::overLimit(GroupSet& set, uint64_t tmp_used) const {
  bool v2 = false;
  int dir = dirOf(set, "memory", &v2);
  if (dir < 0) return false;
  if (!v2) {
    uint64_t count;
    (void)!read(set.pressure, &count, sizeof count);
  } else {
    char buffer[512];
    (void)!pread(set.pressure, buffer, sizeof buffer, 0);
  }
  uint64_t used = numberAt(dir, v2 ? "memory.current" : "memory.usage_in_bytes");
  // Page cache of files that were read is given back under pressure and is nobody's fault.
  uint64_t shared = numberAt(dir, "memory.stat", v2 ? "shmem " : "total_shmem ");
  uint64_t counted = v2 ? numberAt(dir, "memory.stat", "anon ") + numberAt(dir, "memory.stat", "kernel ")
                        : used - std::min(used, numberAt(dir, "memory.stat", "total_cache "));
  counted += shared - std::min(shared, tmp_used);
  if (counted >= set.memory_limit) return true;
  set.mark = used + (set.memory_limit - counted);
  return false;
}

std::vector<int> Groups::watchMark(const GroupSet& set) const {
  bool v2 = false;
  int dir = dirOf(set, "memory", &v2);
  if (dir < 0 || set.pressure < 0) return {};
  if (v2) {
    writeTextAt(dir, "memory.high", std::to_string(set.mark));
    return {};
  }
  int control = openat(dir, "cgroup.event_control", O_WRONLY | O_CLOEXEC);
  int usage = openat(dir, "memory.usage_in_bytes", O_RDONLY | O_CLOEXEC);
  if (control >= 0 && usage >= 0) return {control, set.pressure, usage};
  if (control >= 0) close(control);
  if (usage >= 0) close(usage);
  return {};
}

bool Groups::markPassed(const GroupSet& set) const {
  bool v2 = false;
  int dir = dirOf(set, "memory", &v2);
  return dir >= 0 && set.mark > 0 && numberAt(dir, v2 ? "memory.current" : "memory.usage_in_bytes") >= set.mark;
}

std::vector<int> Groups::controlFiles(const GroupSet& set, uint32_t& bits) const {
  std::vector<int> fds;
  auto add = [&](int dir, const char* file, int flags, uint32_t bit) {
    int fd = dir >= 0 ? openat(dir, file, flags | O_CLOEXEC) : -1;
    if (fd >= 0) bits |= bit, fds.push_back(fd);
  };
  bool v2 = false, freezer_v2 = false;
  if (set.unified >= 0) {
    add(set.unified, "cgroup.freeze", O_WRONLY, kFdFreeze);
    bits |= kVersion2Freeze;
  } else {
    add(dirOf(set, "freezer", &freezer_v2), "freezer.state", O_WRONLY, kFdFreeze);
  }
  int cpu = dirOf(set, "cpu", &v2);
  if (cpu >= 0 && v2) bits |= kVersion2;
  add(cpu, v2 ? "cpu.max" : "cpu.cfs_quota_us", O_WRONLY, kFdCpuQuota);
  if (!v2) add(cpu, "cpu.cfs_period_us", O_WRONLY, kFdCpuPeriod);
  bool acct_v2 = false;
  add(v2 ? cpu : dirOf(set, "cpuacct", &acct_v2), v2 ? "cpu.stat" : "cpuacct.usage", O_RDONLY, kFdCpuUsage);
  int memory = dirOf(set, "memory", &v2);
  add(memory, v2 ? "memory.peak" : "memory.max_usage_in_bytes", O_RDWR, kFdMemoryPeak);
  add(memory, v2 ? "memory.current" : "memory.usage_in_bytes", O_RDONLY, kFdMemoryNow);
  return fds;
}

void Groups::killAll(const GroupSet& set) const {
  if (set.unified >= 0) writeTextAt(set.unified, "cgroup.kill", "1");
  bool v2 = false;
  // A process that version 1 has frozen does not die before it is thawed.
  if (int dir = dirOf(set, "freezer", &v2); dir >= 0 && set.unified < 0) writeTextAt(dir, "freezer.state", "THAWED");
}

bool Groups::killedForMemory(const GroupSet& set) const {
  bool v2 = false;
  int dir = dirOf(set, "memory", &v2);
  return dir >= 0 && numberAt(dir, v2 ? "memory.events" : "memory.oom_control", "oom_kill ") > 0;
}

void Groups::measure(const GroupSet& set, Ending& ending) const {
  bool v2 = false;
  if (int dir = dirOf(set, "memory", &v2); dir >= 0) {
    if (killedForMemory(set)) ending.out_of_memory = 1;
    ending.memory_peak = numberAt(dir, v2 ? "memory.peak" : "memory.max_usage_in_bytes");
    if (set.memory_limit > 0) ending.memory_peak = std::min(ending.memory_peak, set.memory_limit);
  }
  if (int dir = dirOf(set, "cpu", &v2); dir >= 0 && v2) {
    ending.cpu_nanos = 1000 * numberAt(dir, "cpu.stat", "usage_usec ");
  } else if (int acct = dirOf(set, "cpuacct", &v2); acct >= 0) {
    ending.cpu_nanos = numberAt(acct, "cpuacct.usage");
  }
}

bool Groups::remove(GroupSet& set) {
  bool gone = true;
  for (int& fd : set.joins) close(fd);
  set.joins.clear();
  for (int* fd : {&set.unified, &set.pressure}) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
  }
  for (size_t i = 0; i < set.dirs.size(); ++i) {
    if (set.dirs[i] >= 0) close(set.dirs[i]);
    set.dirs[i] = -1;
    if (unlinkat(hierarchies_[i].dir, set.name.c_str(), AT_REMOVEDIR) != 0 && errno == EBUSY) gone = false;
  }
  return gone;
}

}  // namespace lectern::spawner
