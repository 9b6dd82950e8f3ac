#include "spawner/box.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "spawner/init_protocol.h"
#include "spawner/system.h"
#include "spawner/template_protocol.h"

namespace lectern::spawner {
namespace {

/// What the processes between the spawner and a new init need; they share the spawner's memory.
struct Stage {
  const Host* host;
  const GroupSet* groups;
  int control, user_ns, parent_init;
  int pidfd = -1, helper = -1;
  uint64_t flags = 0;
  int error = 0;
};

[[noreturn]] void giveUp(Stage& stage, int error) {
  stage.error = error;
  _exit(127);
}

int listenInside() {
  int plain = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  memcpy(request.ifr_name, "lo", 3);
  request.ifr_flags = IFF_UP;
  if (plain < 0 || ioctl(plain, SIOCSIFFLAGS, &request) != 0) return -errno;
  close(plain);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET, address.sin_port = htons(9001), address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 64) != 0)
    return -errno;
  return fd;
}

/// The new process, in its new namespaces: what needs to be done before the init program takes over.
[[noreturn]] void becomeInit(void* argument) {
  auto& stage = *static_cast<Stage*>(argument);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The process that a template forks joins by itself; this one is too small to count.
  for (int join : stage.groups->joins) {
    if (stage.parent_init < 0 && join >= 0 && write(join, "0", 1) != 1) giveUp(stage, errno);
  }
  int listener = listenInside();
  if (listener < 0) giveUp(stage, -listener);
  if (int error = sendPacket(stage.control, "L", 1, &listener, 1); error < 0) giveUp(stage, -error);
  (void)!sethostname("sandbox", 7);
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0 &&
      mount("none", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_RDONLY, nullptr) != 0) {
    giveUp(stage, errno);  // better no sandbox than one that sees the host's processes
  }
  if (geteuid() != 0 || stage.user_ns >= 0) keepCapabilities();
  if (stage.control == 3) {
    fcntl(3, F_SETFD, 0);
  } else if (dup2(stage.control, 3) != 3) {
    giveUp(stage, errno);
  }
  char name[] = "init";
  char* argv[] = {name, nullptr};
  char* environment[] = {nullptr};
  // Everything else is close-on-exec already, as all descriptors of the spawner are.
  syscall(SYS_execveat, stage.host->init_program, "", argv, environment, AT_EMPTY_PATH);
  giveUp(stage, errno);
}

/// In the template's process namespace: makes the new one below it. The new process becomes the spawner's child.
[[noreturn]] void cloneBelow(void* argument) {
  auto& stage = *static_cast<Stage*>(argument);
  long pid = cloneProcess(stage.flags | CLONE_PARENT, stage.groups->unified, &stage.pidfd, becomeInit, argument);
  if (pid < 0) stage.error = static_cast<int>(-pid);
  _exit(0);
}

/// Enters the user namespace of a template and, for its forks, its process namespace (which takes another process).
[[noreturn]] void enterTemplate(void* argument) {
  auto& stage = *static_cast<Stage*>(argument);
  // The process namespace first: afterwards the rights over the template's init are gone.
  if (stage.parent_init >= 0 && syscall(SYS_setns, stage.parent_init, CLONE_NEWPID) != 0) giveUp(stage, errno);
  if (setns(stage.user_ns, CLONE_NEWUSER) != 0) giveUp(stage, errno);
  if (stage.parent_init < 0) cloneBelow(argument);
  long pid = cloneProcess(CLONE_FILES | CLONE_PARENT | CLONE_PIDFD, -1, &stage.helper, cloneBelow, argument);
  if (pid < 0) giveUp(stage, static_cast<int>(-pid));
  _exit(0);
}

int pidOf(int pidfd) {
  std::string info = readText(("/proc/self/fdinfo/" + std::to_string(pidfd)).c_str());
  size_t at = info.find("\nPid:");
  return at == std::string::npos ? 0 : atoi(info.c_str() + at + 5);
}

void reap(int pidfd) {
  siginfo_t info{};
  waitid(static_cast<idtype_t>(3) /* P_PIDFD */, static_cast<id_t>(pidfd), &info, WEXITED);
}

}  // namespace

Box::~Box() {
  for (int fd :
       {pidfd, control, listener, tmp, user_ns, template_socket, output, child_output, wake, child_wake}) {
    if (fd >= 0) close(fd);
  }
}

std::unique_ptr<Box> makeBox(const Host& host, Groups& groups, int user_ns, int parent_init, int& error) {
  static unsigned counter = 0;
  auto box = std::make_unique<Box>();
  const bool fork = parent_init >= 0;
  if (!groups.create("s" + std::to_string(++counter), fork, box->groups)) {
    error = errno;
    groups.remove(box->groups);
    return nullptr;
  }
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return error = errno, nullptr;
  box->control = pair[0];
  Stage stage{&host, &box->groups, pair[1], user_ns, parent_init};
  stage.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_PIDFD;
  long pid;
  if (user_ns < 0) {
    pid = cloneProcess(stage.flags, box->groups.unified, &stage.pidfd, becomeInit, &stage);
  } else {
    pid = cloneProcess(CLONE_FILES, -1, nullptr, enterTemplate, &stage);
    if (pid > 0) waitpid(static_cast<pid_t>(pid), nullptr, 0);
    if (stage.helper >= 0) reap(stage.helper), close(stage.helper);
  }
  close(pair[1]);
  if (pid < 0) stage.error = static_cast<int>(-pid);
  box->pidfd = stage.pidfd;
  std::vector<int> fds;
  char letter;
  if (stage.error == 0 && receivePacket(box->control, &letter, 1, &fds, false) == 1 && fds.size() == 1) {
    box->listener = fds[0];
    box->pid = user_ns < 0 ? static_cast<int>(pid) : pidOf(box->pidfd);
    return box;
  }
  error = stage.error != 0 ? stage.error : EPROTO;
  if (box->pidfd >= 0) reap(box->pidfd);
  groups.remove(box->groups);
  return nullptr;
}

namespace {

struct MountList {
  std::vector<int> fds;
  std::vector<std::string> targets;
  ~MountList() {
    for (int fd : fds) close(fd);
  }
  bool add(int fd, const std::string& target, const std::string& source, int& error, std::string& what) {
    if (fd < 0) {
      error = fd, what = "mounting " + source;
      return false;
    }
    fds.push_back(fd), targets.push_back(target);
    return true;
  }
};

/// Runs in the namespace that sees the host's files.
bool openSources(const Spec& spec, MountList& list, int& error, std::string& what) {
  if (!list.add(cloneMount(spec.task_dir.c_str(), false), "/var/task", spec.task_dir, error, what)) return false;
  if (spec.layers.size() == 1) {
    if (!list.add(cloneMount(spec.layers[0].c_str(), false), "/opt", spec.layers[0], error, what)) return false;
  } else if (spec.layers.size() > 1) {
    std::vector<std::string> upper_first(spec.layers.rbegin(), spec.layers.rend());
    if (!list.add(makeOverlay(upper_first), "/opt", "layers", error, what)) return false;
  }
  if (spec.mounts.size() < 3) return true;
  if (!list.add(makeTmpfs(1 << 20, "0755"), "/mnt", "/mnt", error, what)) return false;
  for (size_t i = 0; i + 2 < spec.mounts.size(); i += 3) {
    int fd = cloneMount(spec.mounts[i].c_str(), spec.mounts[i + 2] == "rw");
    if (!list.add(fd, spec.mounts[i + 1], spec.mounts[i], error, what)) return false;
  }
  return true;
}

std::string encodeGo(const Host& host, const Box& box, const Spec& spec, const Go& how, const MountList& mounts,
                     uint32_t slot = 0) {
  const auto& filter = box.is_template ? host.template_filter : host.filter;
  InitGo order{};
  order.kind = kInitGo;
  order.flags = (how.run ? kInitRun : 0u) | (box.is_template ? kInitTemplate : 0u) | (box.keep ? kInitKeep : 0u) |
                (how.boot ? kInitBoot : 0u);
  order.slot = slot;
  std::string texts;
  auto add = [&](const std::string& text) { texts.append(text.c_str(), text.size() + 1); };
  for (const auto& target : mounts.targets) add(target);
  if (spec.command.empty()) {
    order.flags |= kInitDefault, order.arguments = 2;
    add("/var/task/bootstrap"), add("/opt/bootstrap");
  } else {
    order.arguments = static_cast<uint32_t>(spec.command.size());
    for (const auto& argument : spec.command) add(argument);
  }
  for (const auto& variable : spec.env) add(variable);
  add("AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001");
  order.variables = static_cast<uint32_t>(spec.env.size()) + 1;
  if (!host.keeper.empty()) add(keeperVariable(kKeeperFolder)), ++order.variables;
  if (box.is_template) add("LECTERN_TEMPLATE_FD=" + std::to_string(kTemplateFd)), ++order.variables;
  if (how.boot) add("LECTERN_BOOT_FD=" + std::to_string(kTemplateFd)), ++order.variables;
  order.mounts = static_cast<uint32_t>(mounts.fds.size());
  size_t offset = (sizeof order + texts.size() + 7) / 8 * 8;
  order.filter_offset = static_cast<uint32_t>(offset), order.filter_length = static_cast<uint32_t>(filter.size());
  order.uid = order.gid = kFunctionUser;
  order.max_fds = spec.max_fds, order.max_processes = how.limit_processes ? spec.max_pids : 0;
  std::string message(reinterpret_cast<const char*>(&order), sizeof order);
  message += texts;
  message.resize(offset);
  message.append(reinterpret_cast<const char*>(filter.data()), filter.size() * sizeof filter[0]);
  return message;
}

}  // namespace

namespace {

/// What the init starts runs on `count` of this process's cores (neighbours, other ones for each sandbox), and reads
/// about no more than those.
void limitCores(const Box& box, uint32_t count, MountList& mounts) {
  cpu_set_t all, chosen;
  if (count == 0 || sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) <= static_cast<int>(count)) return;
  const std::string files = kCoreFiles + std::to_string(count);
  for (auto [file, target] : {std::pair{"/cpuinfo", "/proc/cpuinfo"},
                              std::pair{"/online", "/sys/devices/system/cpu/online"},
                              std::pair{"/online", "/sys/devices/system/cpu/present"},
                              std::pair{"/online", "/sys/devices/system/cpu/possible"}}) {
    int error = 0;
    std::string what;
    mounts.add(cloneMount((files + file).c_str(), false), target, files, error, what);
  }
  static int next = 0;
  CPU_ZERO(&chosen);
  while (count > 0) {
    if (CPU_ISSET(next, &all)) CPU_SET(next, &chosen), --count;
    next = (next + 1) % CPU_SETSIZE;
  }
  sched_setaffinity(box.pid, sizeof chosen, &chosen);
}

}  // namespace

int go(const Host& host, Box& box, const Spec& spec, const Go& how, std::string& what) {
  MountList mounts;
  int error = 0;
  if (setns(host.host_ns, CLONE_NEWNS) != 0) return what = "entering the host's mounts", -errno;
  bool opened = openSources(spec, mounts, error, what);
  if (setns(host.root_ns, CLONE_NEWNS) != 0) _exit(70);  // nothing may run while the host's files are in sight
  if (!opened) return error;
  int tmp = makeTmpfs(spec.tmp_size, "1777");
  if (!mounts.add(tmp, "/tmp", "/tmp", error, what)) return error;
  box.tmp = fcntl(tmp, F_DUPFD_CLOEXEC, 0);
  if (!box.is_template && !box.is_fork && !box.is_boot) limitCores(box, spec.cores, mounts);
  if (mounts.fds.size() + how.passed.size() > kMaxFds) return what = "too many mounts", -E2BIG;
  std::vector<int> fds = mounts.fds;
  fds.insert(fds.end(), how.passed.begin(), how.passed.end());
  std::string message = encodeGo(host, box, spec, how, mounts);
  error = sendPacket(box.control, message.data(), message.size(), fds.data(), static_cast<int>(fds.size()));
  if (error < 0) what = "sending the order to the init";
  return error;
}

int startIn(const Host& host, Box& box, const Spec& spec, uint32_t slot, const Go& how) {
  std::string message = encodeGo(host, box, spec, how, MountList(), slot);
  return sendPacket(box.control, message.data(), message.size(), how.passed.data(),
                    static_cast<int>(how.passed.size()));
}

void killBox(const Groups& groups, const Box& box) {
  groups.killAll(box.groups);
  if (box.pidfd >= 0) syscall(SYS_pidfd_send_signal, box.pidfd, SIGKILL, nullptr, 0);
}

}  // namespace lectern::spawner
