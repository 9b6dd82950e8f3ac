#pragma once
// Messages between the engine and the spawner, over a SOCK_SEQPACKET pair: one packet a message, file descriptors
// beside it (SCM_RIGHTS). Both ends are built together, so there is no version; integers are in the machine's byte
// order. This is the only header of the spawner that others include; it needs nothing but the C++ library.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace lectern::spawner {

constexpr size_t kMaxMessage = 160 * 1024;
constexpr int kMaxFds = 32;

enum class Request : uint32_t {
  kSpawn = 1,  // Spec
  kTemplate,   // Spec of a process that is to be forked
  kFork,       // string template id, Spec
  kKill,       // string id
  kFreeze,     // string id (only where the engine has no freeze file)
  kThaw,       // string id
  kPrepare,    // u32 number of sandboxes to keep ready
  kPing,       // answered by kPong
  kStartIn,    // string id, u32 slot, Spec (env and command of it): one more process in a kept sandbox
  kSignal,     // string id, u32 slot, u32 number: to one process of a kept sandbox
  kPrepareBoot,  // Spec of an interpreter, one of which is to wait ready for functions (Spec::boots)
  kClear,      // string id: kill all processes of a kept sandbox; its files stay
};

enum class Reply : uint32_t {
  kHello = 100,   // Machine
  kStarted,       // string id, u32 pid, u32 bits of FdKind; fds in the order of the bits
  kRefused,       // string id, u32 errno, string what failed
  kEnded,         // string id, Ending
  kTemplateDone,  // string id, u32 1 when it can be forked, string reason when not
  kPong,
  kStartedIn,  // string id, u32 slot, u32 errno; fd: its output, when the errno is 0
  kProcess,    // string id, u32 slot, Ending: a process of a kept sandbox has ended
  kCleared,    // string id: no process is left
};

/// Which file descriptors come with kStarted, in this order.
enum FdKind : uint32_t {
  kFdListener = 1,
  kFdOutput = 2,
  kFdFreeze = 4,          // v2 cgroup.freeze ("0"/"1") or v1 freezer.state ("THAWED"/"FROZEN")
  kFdCpuQuota = 8,        // v2 cpu.max or v1 cpu.cfs_quota_us
  kFdCpuPeriod = 16,      // v1 cpu.cfs_period_us
  kFdCpuUsage = 32,       // v2 cpu.stat or v1 cpuacct.usage
  kFdMemoryPeak = 64,     // v2 memory.peak or v1 memory.max_usage_in_bytes
  kFdMemoryNow = 128,     // v2 memory.current or v1 memory.usage_in_bytes
  kVersion2Freeze = 256,  // no fd: the freeze file is version 2
  kVersion2 = 512,        // no fd: the other files are version 2
};

enum class StartFault : uint32_t { kNone, kNoBootstrap, kNotExecutable };

/// Appends values to a message.
class Writer {
 public:
  explicit Writer(uint32_t type) { u32(type); }
  void u32(uint32_t v) { raw(&v, sizeof v); }
  void u64(uint64_t v) { raw(&v, sizeof v); }
  void string(std::string_view s) {
    u32(static_cast<uint32_t>(s.size()));
    raw(s.data(), s.size());
  }
  void strings(const std::vector<std::string>& list) {
    u32(static_cast<uint32_t>(list.size()));
    for (const auto& s : list) string(s);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void raw(const void* data, size_t size) { bytes_.append(static_cast<const char*>(data), size); }
  std::string bytes_;
};

/// Takes values from a message. After a value that is not there everything reads as empty and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  uint32_t u32() {
    uint32_t v = 0;
    raw(&v, sizeof v);
    return v;
  }
  uint64_t u64() {
    uint64_t v = 0;
    raw(&v, sizeof v);
    return v;
  }
  std::string string() {
    uint32_t size = u32();
    if (size > rest_.size()) ok_ = false;
    if (!ok_) return {};
    std::string s(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return s;
  }
  std::vector<std::string> strings() {
    uint32_t count = u32();
    std::vector<std::string> list;
    for (uint32_t i = 0; i < count && ok_; ++i) list.push_back(string());
    return list;
  }
  bool ok() const { return ok_; }

 private:
  void raw(void* out, size_t size) {
    if (size > rest_.size()) ok_ = false;
    if (!ok_) return;
    memcpy(out, rest_.data(), size);
    rest_.remove_prefix(size);
  }
  std::string_view rest_;
  bool ok_ = true;
};

/// What is to be run and how. Paths are absolute.
struct Spec {
  std::string id;
  std::string task_dir;
  std::vector<std::string> layers;  // later wins
  std::vector<std::string> mounts;  // triples: host directory, target below /mnt, "ro" or "rw"
  std::vector<std::string> env, command;
  uint64_t memory_limit = 0;  // bytes
  uint64_t tmp_size = 0;      // bytes
  uint32_t cores = 0;         // that it runs on; 0: all
  uint32_t max_pids = 0, max_fds = 0;
  uint32_t boots = 0;  // the command is the one of kPrepareBoot, and an interpreter that waits may take the function
  uint32_t keep = 0;  // 1: the sandbox outlives its first process; 2: it begins without one

  void write(Writer& w) const {
    w.string(id), w.string(task_dir), w.strings(layers), w.strings(mounts), w.strings(env), w.strings(command);
    w.u64(memory_limit), w.u64(tmp_size), w.u32(max_pids), w.u32(max_fds), w.u32(boots), w.u32(keep), w.u32(cores);
  }
  static Spec read(Reader& r) {
    Spec s;
    s.id = r.string(), s.task_dir = r.string(), s.layers = r.strings(), s.mounts = r.strings();
    s.env = r.strings(), s.command = r.strings();
    s.memory_limit = r.u64(), s.tmp_size = r.u64(), s.max_pids = r.u32(), s.max_fds = r.u32();
    s.boots = r.u32(), s.keep = r.u32(), s.cores = r.u32();
    return s;
  }
};

/// How a sandbox ended.
struct Ending {
  uint32_t status = 0, signal = 0, out_of_memory = 0;
  StartFault fault = StartFault::kNone;
  uint64_t memory_peak = 0, cpu_nanos = 0;

  void write(Writer& w) const {
    w.u32(status), w.u32(signal), w.u32(out_of_memory), w.u32(static_cast<uint32_t>(fault));
    w.u64(memory_peak), w.u64(cpu_nanos);
  }
  static Ending read(Reader& r) {
    Ending e;
    e.status = r.u32(), e.signal = r.u32(), e.out_of_memory = r.u32(), e.fault = static_cast<StartFault>(r.u32());
    e.memory_peak = r.u64(), e.cpu_nanos = r.u64();
    return e;
  }
};

/// What the spawner found out about the machine.
struct Machine {
  uint32_t isolation = 2;  // 0 full, 1 degraded, 2 none
  std::string reason;      // why not full; what failed with which error
  uint32_t uid = 0, seccomp = 0, user_namespaces = 0, templates = 0;
  std::string cgroups;  // "v1+v2", "v1", "v2", "none"
  std::vector<std::string> controllers;

  void write(Writer& w) const {
    w.u32(isolation), w.string(reason), w.u32(uid), w.u32(seccomp), w.u32(user_namespaces), w.u32(templates);
    w.string(cgroups), w.strings(controllers);
  }
  static Machine read(Reader& r) {
    Machine m;
    m.isolation = r.u32(), m.reason = r.string(), m.uid = r.u32(), m.seccomp = r.u32();
    m.user_namespaces = r.u32(), m.templates = r.u32(), m.cgroups = r.string(), m.controllers = r.strings();
    return m;
  }
};

}  // namespace lectern::spawner
