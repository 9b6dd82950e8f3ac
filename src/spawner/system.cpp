#include "spawner/system.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#include "spawner/protocol.h"

#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 0x00000004
#endif

namespace lectern::spawner {
namespace {

constexpr size_t kStack = 256 * 1024;

constexpr size_t kDepth = 4;

char* childStack(size_t depth) {
  // A parent waits while its child uses a stack, so one for each depth of children of children is enough.
  static char* stacks = static_cast<char*>(
      mmap(nullptr, kDepth * kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0));
  char* stack = stacks + (depth % kDepth) * kStack;
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(stack, kStack);  // whoever had it before never returned
#endif
  return stack;
}

int result(long r) { return r < 0 ? -errno : static_cast<int>(r); }

}  // namespace

long cloneProcess(uint64_t flags, int cgroup, int* pidfd, void (*entry)(void*), void* argument) {
  clone_args args{};
  args.flags = flags | CLONE_VM | CLONE_VFORK;
  args.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD;
  args.pidfd = reinterpret_cast<uint64_t>(pidfd);
  if (cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(cgroup);
  }
#if defined(__x86_64__)
  static volatile size_t depth = 0;
  const size_t own_depth = depth;
  args.stack = reinterpret_cast<uint64_t>(childStack(own_depth));
  args.stack_size = kStack;
  depth = own_depth + 1;
  long ret;
  // The child starts on its own empty stack, so nothing but registers may carry what it needs.
  asm volatile(
      "mov %[entry], %%r12\n"
      "mov %[argument], %%r13\n"
      "syscall\n"
      "test %%rax, %%rax\n"
      "jnz 1f\n"
      "xor %%ebp, %%ebp\n"
      "mov %%r13, %%rdi\n"
      "call *%%r12\n"
      "hlt\n"
      "1:\n"
      : "=a"(ret)
      : "a"(SYS_clone3), "D"(&args), "S"(sizeof args), [entry] "r"(entry), [argument] "r"(argument)
      : "rcx", "r11", "r12", "r13", "memory");
  depth = own_depth;
  return ret;
#else
  args.flags &= ~static_cast<uint64_t>(CLONE_VM | CLONE_VFORK);
  long ret = syscall(SYS_clone3, &args, sizeof args);
  if (ret == 0) {
    entry(argument);
    _exit(127);
  }
  return ret < 0 ? -errno : ret;
#endif
}

int cloneMount(const char* path, bool writable) {
  int fd = result(syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
  if (fd < 0) return fd;
  mount_attr attr{};
  attr.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (writable ? 0 : MOUNT_ATTR_RDONLY);
  attr.propagation = 1 << 18;  // MS_PRIVATE: nothing that happens on the host reaches in
  if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) != 0) {
    int error = -errno;
    close(fd);
    return error;
  }
  return fd;
}

int attachMount(int mount, const char* path) {
  return result(syscall(SYS_move_mount, mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH));
}

static int makeFileSystem(const char* type, const std::vector<std::pair<std::string, std::string>>& options,
                          unsigned attributes) {
  int fs = result(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
  if (fs < 0) return fs;
  int error = 0;
  for (const auto& [key, value] : options) {
    if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) != 0 && error == 0)
      error = -errno;
  }
  if (error == 0 && syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) error = -errno;
  int mount = error != 0 ? error : result(syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes));
  close(fs);
  return mount;
}

int makeTmpfs(uint64_t bytes, const char* mode) {
  // One inode for every 16 KB: many small files fit, and a loop that creates empty ones ends.
  uint64_t inodes = std::max<uint64_t>(1024, bytes / 16384);
  return makeFileSystem("tmpfs",
                        {{"size", std::to_string(bytes)}, {"nr_inodes", std::to_string(inodes)}, {"mode", mode}},
                        MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

int makeOverlay(const std::vector<std::string>& upper_first) {
  std::string lower;
  for (const auto& dir : upper_first) {
    if (dir.find_first_of(",\\") != std::string::npos) return -EINVAL;
    if (!lower.empty()) lower += ':';
    for (char c : dir) {
      if (c == ':') lower += '\\';
      lower += c;
    }
  }
  return makeFileSystem("overlay", {{"lowerdir", lower}}, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY);
}

int keepCapabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (syscall(SYS_capget, &header, data) != 0) return -errno;
  for (auto& word : data) word.inheritable = word.permitted;
  if (syscall(SYS_capset, &header, data) != 0) return -errno;
  for (unsigned cap = 0; cap < 64; ++cap) {
    if (data[cap / 32].permitted >> (cap % 32) & 1) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
  }
  return 0;
}

static int writeAndClose(int fd, const std::string& text) {
  if (fd < 0) return -errno;
  ssize_t n = write(fd, text.data(), text.size());
  int error = n < 0 ? -errno : 0;
  close(fd);
  return error;
}

int writeText(const char* path, const std::string& text) {
  return writeAndClose(open(path, O_WRONLY | O_CLOEXEC), text);
}

int writeTextAt(int dir, const char* name, const std::string& text) {
  return writeAndClose(openat(dir, name, O_WRONLY | O_CLOEXEC), text);
}

std::string readText(const char* path) { return readTextAt(AT_FDCWD, path); }

std::string readTextAt(int dir, const char* name) {
  int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string text;
  char buffer[4096];
  ssize_t n;
  while (text.size() < 1 << 20 && (n = read(fd, buffer, sizeof buffer)) > 0)
    text.append(buffer, static_cast<size_t>(n));
  close(fd);
  return text;
}

int sendPacket(int socket, const void* data, size_t size, const int* fds, int fd_count) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFds)];
  iovec io{const_cast<void*>(data), size};
  msghdr header{};
  header.msg_iov = &io, header.msg_iovlen = 1;
  if (fd_count > 0) {
    header.msg_control = control, header.msg_controllen = CMSG_SPACE(sizeof(int) * static_cast<size_t>(fd_count));
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * static_cast<size_t>(fd_count));
    memcpy(CMSG_DATA(c), fds, sizeof(int) * static_cast<size_t>(fd_count));
  }
  ssize_t n;
  do n = sendmsg(socket, &header, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : 0;
}

long receivePacket(int socket, void* data, size_t size, std::vector<int>* fds, bool wait) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFds)];
  iovec io{data, size};
  msghdr header{};
  header.msg_iov = &io, header.msg_iovlen = 1;
  header.msg_control = control, header.msg_controllen = sizeof control;
  ssize_t n;
  do n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
  while (n < 0 && errno == EINTR);
  if (n < 0) return -errno;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
      int fd;
      memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
      if (fds) {
        fds->push_back(fd);
      } else {
        close(fd);
      }
    }
  }
  return n;
}

}  // namespace lectern::spawner
