#include "spawner/machine.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

#include "spawner/system.h"

extern "C" {
extern const char lectern_init_start[], lectern_init_end[];
}

namespace lectern::spawner {
namespace {

// Programs, libraries and data that functions may use; nothing that belongs to people or to the machine's services.
const char* const kShared[] = {"/usr/bin",
                               "/usr/lib",
                               "/usr/lib32",
                               "/usr/lib64",
                               "/usr/libexec",
                               "/usr/share",
                               "/usr/local/bin",
                               "/usr/local/lib",
                               "/bin",
                               "/lib",
                               "/lib32",
                               "/lib64",
                               "/etc/alternatives",
                               "/etc/ssl/certs",
                               "/etc/fonts",
                               "/sys/devices/system/cpu",
                               "/sys/kernel/mm/transparent_hugepage"};
const char* const kDevices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
const char* const kCopied[] = {"/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/etc/protocols",
                               "/etc/services"};

std::string failed(const char* what, const std::string& detail = {}) {
  return std::string(what) + (detail.empty() ? "" : " " + detail) + ": " + strerror(errno);
}

void makeFolders(const std::string& path) {
  for (size_t at = 1; at != std::string::npos;) {
    at = path.find('/', at + 1);
    mkdir(path.substr(0, at).c_str(), 0755);
  }
}

void writeFile(const std::string& path, const std::string& text) {
  makeFolders(path.substr(0, path.rfind('/')));
  int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return;
  (void)!write(fd, text.data(), text.size());
  close(fd);
}

std::string attach(int mount, const std::string& root, const char* target) {
  makeFolders(root + target);
  int attached = attachMount(mount, (root + target).c_str());
  close(mount);
  return attached < 0 ? (errno = -attached, failed("move_mount", target)) : std::string();
}

/// Puts the host's `path` into the new root: links stay links, folders become read-only mounts.
std::string share(const std::string& root, const char* path) {
  struct stat info {};
  if (lstat(path, &info) != 0) return {};
  if (S_ISLNK(info.st_mode)) {
    char target[4096];
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n > 0) target[n] = 0, (void)!symlink(target, (root + path).c_str());
    return {};
  }
  int mount = cloneMount(path, false);
  if (mount < 0) return errno = -mount, failed("open_tree", path);
  return attach(mount, root, path);
}

std::string shareDevice(const std::string& root, const char* path) {
  writeFile(root + path, "");
  if (mount(path, (root + path).c_str(), nullptr, MS_BIND, nullptr) != 0) return failed("bind", path);
  return {};
}

/// What programs that see `count` cores read about them, for every count below the machine's (limitCores in box.cpp).
void describeCores(const std::string& root) {
  constexpr int kMost = 16;  // a function that is shown more is shown all
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof all, &all) != 0) return;
  const std::string text = readText("/proc/cpuinfo");
  size_t end = 0;
  for (int count = 1; count < CPU_COUNT(&all) && count <= kMost; ++count) {
    end = text.find("\n\n", end);
    if (end == std::string::npos) return;
    end += 2;
    std::string folder = root + kCoreFiles + std::to_string(count);
    writeFile(folder + "/cpuinfo", text.substr(0, end));
    writeFile(folder + "/online", count == 1 ? "0\n" : "0-" + std::to_string(count - 1) + "\n");
  }
}

std::string fillRoot(const std::string& root) {
  for (const char* path : kShared) {
    if (auto why = share(root, path); !why.empty()) return why;
  }
  for (const char* path : kDevices) {
    if (auto why = shareDevice(root, path); !why.empty()) return why;
  }
  for (const char* path : kCopied) {
    if (auto text = readText(path); !text.empty()) writeFile(root + path, text);
  }
  for (const char* folder :
       {"/tmp", "/var/task", "/opt", "/mnt", "/proc", "/var/runtime", "/var/lang", "/root", "/home"}) {
    makeFolders(root + folder);
  }
  writeFile(root + "/etc/passwd",
            "root:x:0:0:root:/root:/usr/sbin/nologin\nsbx_user1051:x:993:993::/tmp:/usr/sbin/nologin\n");
  writeFile(root + "/etc/group", "root:x:0:\nsbx_user1051:x:993:\n");
  writeFile(root + "/etc/hosts", "127.0.0.1 localhost sandbox sandbox.localdomain\n");
  writeFile(root + "/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n");
  writeFile(root + "/etc/resolv.conf", "");
  describeCores(root);
  (void)!symlink("/proc/self/fd", (root + "/dev/fd").c_str());
  (void)!symlink("/proc/self/fd/0", (root + "/dev/stdin").c_str());
  (void)!symlink("/proc/self/fd/1", (root + "/dev/stdout").c_str());
  (void)!symlink("/proc/self/fd/2", (root + "/dev/stderr").c_str());
  return {};
}

/// Seen through the spawner's own namespace only; every sandbox mounts its own over it.
std::string addProc(const std::string& root, bool privileged) {
  std::string target = root + "/proc";
  bool done = privileged && mount("proc", target.c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0;
  if (!done && mount("/proc", target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) return failed("bind /proc");
  return {};
}

std::string enterUserNamespace() {
  unsigned uid = geteuid(), gid = getegid();
  if (unshare(CLONE_NEWUSER) != 0) {
    return failed("user namespaces disabled: clone") +
           "; see user.max_user_namespaces / apparmor_restrict_unprivileged_userns";
  }
  writeText("/proc/self/setgroups", "deny");
  std::string me = std::to_string(kFunctionUser) + " ";
  if (int error = writeText("/proc/self/uid_map", me + std::to_string(uid) + " 1"); error < 0) {
    return errno = -error, failed("user namespaces: uid_map");
  }
  if (int error = writeText("/proc/self/gid_map", me + std::to_string(gid) + " 1"); error < 0) {
    return errno = -error, failed("user namespaces: gid_map");
  }
  return {};
}

}  // namespace

std::string setUpNamespaces(Host& host) {
  if (!host.root) {
    if (auto why = enterUserNamespace(); !why.empty()) return why;
  }
  if (unshare(CLONE_NEWNS) != 0) return failed("unshare of mounts");
  // Mounts that the host makes later stay visible here, and nothing made here reaches the host.
  if (mount(nullptr, "/", nullptr, MS_SLAVE | MS_REC, nullptr) != 0) return failed("mount propagation");
  host.host_ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (host.host_ns < 0 || unshare(CLONE_NEWNS) != 0) return failed("unshare of mounts");
  if (mount(nullptr, "/", nullptr, MS_PRIVATE | MS_REC, nullptr) != 0) return failed("mount propagation");
  // A folder and not its socket, since another keeper may come and bind another one. Now: it may be below /tmp.
  const int keeper = host.keeper.empty() ? -1 : cloneMount(host.keeper.c_str(), false);
  if (!host.keeper.empty() && keeper < 0) return errno = -keeper, failed("open_tree", host.keeper);
  const std::string root = "/tmp";
  int fresh = makeTmpfs(16 << 20, "0755");
  if (fresh < 0) return errno = -fresh, failed("tmpfs for the root of sandboxes");
  int attached = attachMount(fresh, root.c_str());
  close(fresh);
  if (attached < 0) return errno = -attached, failed("mounting the root of sandboxes");
  if (auto why = fillRoot(root); !why.empty()) return why;
  if (keeper >= 0) {
    if (auto why = attach(keeper, root, kKeeperFolder); !why.empty()) return why;
  }
  if (auto why = addProc(root, host.root); !why.empty()) return why;
  if (chdir(root.c_str()) != 0 || syscall(SYS_pivot_root, ".", ".") != 0) return failed("pivot_root");
  if (umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) return failed("leaving the host's root");
  mount_attr attributes{MOUNT_ATTR_RDONLY, 0, 0, 0};
  if (syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &attributes, sizeof attributes) != 0)
    return failed("read-only root");
  host.root_ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  return host.root_ns < 0 ? failed("/proc/self/ns/mnt") : std::string();
}

int makeUserNamespace() {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) return -errno;
  pid_t child = fork();
  if (child == 0) {
    char ok = unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
    (void)!write(ready[1], &ok, 1);
    for (;;) pause();
  }
  char ok = 'n';
  int fd = -EPERM;
  if (child > 0 && read(ready[0], &ok, 1) == 1 && ok == 'y') {
    std::string base = "/proc/" + std::to_string(child), one = std::to_string(kFunctionUser);
    int user = writeText((base + "/uid_map").c_str(), one + " " + one + " 1");
    int group = user < 0 ? user : writeText((base + "/gid_map").c_str(), one + " " + one + " 1");
    fd = group < 0 ? group : open((base + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC);
    if (fd == -1) fd = -errno;
  }
  close(ready[0]), close(ready[1]);
  if (child > 0) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  return fd;
}

int makeInitProgram() {
  int fd = memfd_create("lectern-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -errno;
  auto size = static_cast<size_t>(lectern_init_end - lectern_init_start);
  if (write(fd, lectern_init_start, size) != static_cast<ssize_t>(size)) return -EIO;
  // A sandbox can see this file as /proc/1/exe; nobody can write to it any more.
  fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return fd;
}

}  // namespace lectern::spawner
