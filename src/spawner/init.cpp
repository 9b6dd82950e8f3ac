// Process 1 of a sandbox: waits for the order to go, attaches the mounts, starts the function's first process without
// privilege, reaps what is orphaned, and ends with that process, unless it is told to stay and start others in the same
// sandbox. It has no C library so that its exec costs a fifth of a millisecond instead of two.

#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/stat.h>
#include <linux/wait.h>
#include <stddef.h>
#include <stdint.h>

#include "spawner/init_protocol.h"
#include "spawner/template_protocol.h"

namespace {

using namespace lectern::spawner;

constexpr int kControl = 3;
constexpr size_t kMessage = 160 * 1024, kMaxTexts = 4096, kMaxFds = 32;
constexpr int kSigChld = 17, kSigKill = 9, kSigStop = 19, kSigCont = 18;

struct IoVector {
  void* base;
  size_t length;
};
struct MessageHeader {
  void* name;
  uint32_t name_length;
  IoVector* parts;
  size_t part_count;
  void* control;
  size_t control_length;
  uint32_t flags;
};
struct ControlHeader {
  size_t length;
  int level, type;
};

alignas(16) char message[kMessage];
alignas(16) char control[sizeof(ControlHeader) + kMaxFds * sizeof(int)];
char* arguments[kMaxTexts];
char* variables[kMaxTexts];
int fds[kMaxFds];

struct Process {
  long pid;
  int exec_error;
};
Process processes[kSlots];
bool keep = false;      // stay without processes
bool clearing = false;  // told to end all processes, and not done yet

long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
#if defined(__x86_64__)
  long ret;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(ret)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return ret;
#elif defined(__aarch64__)
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#else
#error "the init knows x86-64 and aarch64"
#endif
}

template <typename T>
long address(T* pointer) {
  return reinterpret_cast<long>(pointer);
}

[[noreturn]] void leave(int status) {
  for (;;) call(__NR_exit_group, status);
}

void reply(uint32_t kind, int value, int step, uint32_t slot = 0) {
  InitReply r{kind, value, step, slot};
  call(__NR_sendto, kControl, address(&r), sizeof r, 0x4000 /* MSG_NOSIGNAL */);
}

bool startsWith(const char* text, const char* prefix) {
  while (*prefix) {
    if (*text++ != *prefix++) return false;
  }
  return true;
}

/// Receives one message into `message`; its size, 0 at the end. Descriptors go to fds.
long receive(size_t& fd_count) {
  IoVector part{message, kMessage};
  MessageHeader header{nullptr, 0, &part, 1, control, sizeof control, 0};
  long n = call(__NR_recvmsg, kControl, address(&header), 0x40000000 /* MSG_CMSG_CLOEXEC */);
  fd_count = 0;
  if (n > 0 && header.control_length >= sizeof(ControlHeader)) {
    auto* first = reinterpret_cast<ControlHeader*>(control);
    fd_count = (first->length - sizeof(ControlHeader)) / sizeof(int);
    auto* numbers = reinterpret_cast<int*>(control + sizeof(ControlHeader));
    for (size_t i = 0; i < fd_count && i < kMaxFds; ++i) fds[i] = numbers[i];
  }
  return n;
}

char* nextText(char*& at, char* end) {
  char* text = at;
  while (at < end && *at) ++at;
  if (at < end) ++at;
  return text;
}

void setCapabilities(uint64_t permitted, uint64_t inheritable) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  for (int i = 0; i < 2; ++i) {
    data[i].effective = data[i].permitted = static_cast<uint32_t>(permitted >> (32 * i));
    data[i].inheritable = static_cast<uint32_t>(inheritable >> (32 * i));
  }
  call(__NR_capset, address(&header), address(data));
}

/// Attaches all mounts; 0 or -errno with the number of the mount in `step`.
long attachAll(const InitGo& go, char*& at, char* end, int& step) {
  bool own_folders = false;
  for (uint32_t i = 0; i < go.mounts; ++i) {
    step = static_cast<int>(i);
    char* target = nextText(at, end);
    if (startsWith(target, "/mnt/")) {
      long made = call(__NR_mkdirat, AT_FDCWD, address(target), 0755);
      if (made < 0 && made != -EEXIST) return made;
      own_folders = true;
    }
    long moved = call(__NR_move_mount, fds[i], address(""), AT_FDCWD, address(target), 4 /* F_EMPTY_PATH */);
    // Where /proc could not be mounted there is nothing to hide.
    if (moved < 0 && !startsWith(target, "/proc/") && !startsWith(target, "/sys/")) return moved;
    call(__NR_close, fds[i]);
  }
  if (own_folders) {
    mount_attr attributes{MOUNT_ATTR_RDONLY, 0, 0, 0};
    call(__NR_mount_setattr, AT_FDCWD, address("/mnt"), 0, address(&attributes), sizeof attributes);
  }
  return 0;
}

struct Child {
  const InitGo* go;
  int output, template_fd;
  long exec_error;
};

void limitResource(int which, uint64_t soft, uint64_t hard) {
  uint64_t limit[2] = {soft, hard};
  call(__NR_prlimit64, 0, which, address(limit), 0);
}

/// In the new process, which shares memory with the init until it execs.
[[noreturn]] void becomeFunction(Child& child) {
  const InitGo& go = *child.go;
  call(__NR_setsid);
  call(__NR_setpriority, 0 /* PRIO_PROCESS */, 0, 0);  // the spawner's own priority is raised
  int null = static_cast<int>(call(__NR_openat, AT_FDCWD, address("/dev/null"), O_RDONLY));
  call(__NR_dup3, null, 0, 0);
  call(__NR_dup3, child.output, 1, 0);
  call(__NR_dup3, child.output, 2, 0);
  call(__NR_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);
  if (child.template_fd >= 0) {
    call(__NR_dup3, child.template_fd, kTemplateFd, 0);
    call(__NR_fcntl, kTemplateFd, F_SETFD, 0);
  }
  call(__NR_chdir, address("/var/task"));
  constexpr uint64_t kUnlimited = ~0ull;
  limitResource(RLIMIT_NOFILE, go.max_fds, go.max_fds);
  limitResource(RLIMIT_CORE, 0, 0);
  limitResource(RLIMIT_MEMLOCK, 65536, 65536);
  limitResource(RLIMIT_STACK, 8 << 20, kUnlimited);
  if (go.max_processes > 0) limitResource(RLIMIT_NPROC, go.max_processes, go.max_processes);

  call(__NR_prctl, PR_SET_KEEPCAPS, 1);
  call(__NR_setgroups, 0, 0);
  call(__NR_setresgid, go.gid, go.gid, go.gid);
  call(__NR_setresuid, go.uid, go.uid, go.uid);
  call(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (go.flags & kInitTemplate) {
    constexpr uint64_t kKept = (1ull << CAP_SYS_ADMIN) | (1ull << CAP_SYS_CHROOT);
    setCapabilities(kKept, kKept);
    call(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0);
    call(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0, 0);
  } else {
    setCapabilities(0, 0);
  }
  call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // The spawner ignores signals that a terminal or a closed pipe sends; a function begins with the usual actions.
  struct {
    uint64_t handler, flags, restorer, mask;
  } usual = {};
  for (int number = 1; number < 32; ++number) call(__NR_rt_sigaction, number, address(&usual), 0, sizeof usual.mask);
  uint64_t none = 0;
  call(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, address(&none), 0, sizeof none);
  if (go.filter_length > 0) {
    sock_fprog program{static_cast<unsigned short>(go.filter_length),
                       reinterpret_cast<sock_filter*>(message + go.filter_offset)};
    long filtered = call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, address(&program));
    if (filtered < 0) {
      child.exec_error = -filtered;
      leave(127);
    }
  }
  if (go.flags & kInitDefault) {
    char* alone[2] = {nullptr, nullptr};
    for (uint32_t i = 0; i < go.arguments; ++i) {
      alone[0] = arguments[i];
      child.exec_error = -call(__NR_execve, address(alone[0]), address(alone), address(variables));
      if (child.exec_error != ENOENT) break;
    }
  } else {
    child.exec_error = -call(__NR_execve, address(arguments[0]), address(arguments), address(variables));
  }
  leave(127);
}

/// Starts the function's process; its id or -errno.
long start(Child& child) {
#if defined(__x86_64__)
  static char stack[65536];
  clone_args args{};
  args.flags = CLONE_VM | CLONE_VFORK;
  args.exit_signal = kSigChld;
  args.stack = reinterpret_cast<uint64_t>(stack);
  args.stack_size = sizeof stack;
  long ret;
  asm volatile(
      "mov %[entry], %%r12\n"
      "mov %[child], %%r13\n"
      "syscall\n"
      "test %%rax, %%rax\n"
      "jnz 1f\n"
      "xor %%ebp, %%ebp\n"
      "mov %%r13, %%rdi\n"
      "call *%%r12\n"
      "hlt\n"
      "1:\n"
      : "=a"(ret)
      : "a"(__NR_clone3), "D"(&args), "S"(sizeof args), [entry] "r"(&becomeFunction), [child] "r"(&child)
      : "rcx", "r11", "r12", "r13", "memory");
  return ret;
#else
  // Copied memory, so exec's error is told by the exit status alone.
  long ret = call(__NR_clone, kSigChld);
  if (ret == 0) becomeFunction(child);
  return ret;
#endif
}

/// From here on only signals to processes of another user are needed, and starting more of them where it stays.
void dropCapabilities() {
  setCapabilities(1ull << CAP_KILL | (keep ? 1ull << CAP_SETUID | 1ull << CAP_SETGID : 0), 0);
}

/// Carries out the order; false after a failure.
bool go(long size, size_t fd_count) {
  auto* order = reinterpret_cast<InitGo*>(message);
  char *at = message + sizeof(InitGo), *end = message + size;
  if (order->mounts + 2 > kMaxFds || order->mounts > fd_count || order->arguments >= kMaxTexts ||
      order->variables >= kMaxTexts || order->slot >= kSlots) {
    reply(kInitFailed, EINVAL, -1);
    return false;
  }
  int step = 0;
  if (long attached = attachAll(*order, at, end, step); attached < 0) {
    reply(kInitFailed, static_cast<int>(-attached), step);
    return false;
  }
  keep = order->flags & kInitKeep;
  if (!(order->flags & kInitRun)) {
    if (processes[0].pid > 0) dropCapabilities();  // it was started ahead and needed only its mounts
    reply(kInitMounted, 0, 0);
    return true;
  }
  for (uint32_t i = 0; i < order->arguments; ++i) arguments[i] = nextText(at, end);
  for (uint32_t i = 0; i < order->variables; ++i) variables[i] = nextText(at, end);
  arguments[order->arguments] = variables[order->variables] = nullptr;
  bool socket = order->flags & (kInitTemplate | kInitBoot);
  Child child{order, fds[order->mounts], socket ? fds[order->mounts + 1] : -1, 0};
  long pid = start(child);
  processes[order->slot] = {pid, static_cast<int>(child.exec_error)};
  call(__NR_close, child.output);
  if (child.template_fd >= 0) call(__NR_close, child.template_fd);
  if (!(order->flags & kInitBoot)) dropCapabilities();
  reply(kInitMounted, 0, 0);
  return pid > 0;
}

char* writeNumber(char* at, uint64_t number) {
  char digits[20];
  int count = 0;
  do digits[count++] = static_cast<char>('0' + number % 10);
  while ((number /= 10) > 0);
  while (count > 0) *at++ = digits[--count];
  *at++ = ' ';
  return at;
}

/// The kernel waits for a grace period in here, which is why the spawner leaves it to each sandbox.
void watchMemory(size_t fd_count) {
  if (fd_count < 3) return;
  char text[72];
  char* at = writeNumber(text, static_cast<uint64_t>(fds[1]));
  at = writeNumber(at, static_cast<uint64_t>(fds[2]));
  at = writeNumber(at, reinterpret_cast<InitMark*>(message)->bytes);
  long written = call(__NR_write, fds[0], address(text), at - text - 1);
  for (int i = 0; i < 3; ++i) call(__NR_close, fds[i]);
  reply(kInitMarked, written < 0 ? static_cast<int>(-written) : 0, 0);
}

/// Reaps everything that has ended. Leaves when the function's process is among it, unless it is to stay.
void reap() {
  for (;;) {
    int status = 0;
    long pid = call(__NR_wait4, -1, address(&status), WNOHANG, 0);
    if (pid == -ECHILD && clearing) {
      clearing = false;
      reply(kInitCleared, 0, 0);
    }
    if (pid <= 0) break;
    for (uint32_t slot = 0; slot < kSlots; ++slot) {
      if (processes[slot].pid != pid) continue;
      processes[slot].pid = 0;
      reply(kInitEnded, status, processes[slot].exec_error, slot);
      if (slot == 0 && !keep) leave(0);  // and with process 1 the kernel kills all others in here
    }
  }
  if (clearing) call(__NR_kill, -1, kSigKill);
}

void onSignal() {
  auto* order = reinterpret_cast<InitSignal*>(message);
  if (order->slot < kSlots && processes[order->slot].pid > 0) {
    call(__NR_kill, processes[order->slot].pid, order->number);
  }
}

[[noreturn]] void run() {
  call(__NR_prctl, PR_SET_NAME, address("init"));
  uint64_t child_signal = 1ull << (kSigChld - 1);
  call(__NR_rt_sigprocmask, 0 /* SIG_BLOCK */, address(&child_signal), 0, sizeof child_signal);
  int signals =
      static_cast<int>(call(__NR_signalfd4, -1, address(&child_signal), sizeof child_signal, O_CLOEXEC | O_NONBLOCK));
  for (;;) {
    pollfd wait[2] = {{kControl, POLLIN, 0}, {signals, POLLIN, 0}};
    call(__NR_ppoll, address(wait), 2, 0, 0, 8);
    if (wait[1].revents) {
      char sink[128];
      call(__NR_read, signals, address(sink), sizeof sink);
      reap();
    }
    if (!wait[0].revents) continue;
    size_t fd_count = 0;
    long size = receive(fd_count);
    if (size == -EINTR) continue;
    if (size <= 0) leave(0);  // the spawner is gone
    uint32_t kind = *reinterpret_cast<uint32_t*>(message);
    if (kind == kInitFreeze) call(__NR_kill, -1, kSigStop);
    if (kind == kInitThaw) call(__NR_kill, -1, kSigCont);
    if (kind == kInitSignal && size == static_cast<long>(sizeof(InitSignal))) onSignal();
    if (kind == kInitClear) {
      clearing = true;
      call(__NR_kill, -1, kSigKill);
      reap();
    }
    if (kind == kInitMark) watchMemory(fd_count);
    if (kind == kInitGo) {
      if (!go(size, fd_count)) leave(0);
    }
  }
}

}  // namespace

extern "C" void* memcpy(void* to, const void* from, size_t size) {
  auto* t = static_cast<char*>(to);
  auto* f = static_cast<const char*>(from);
  for (size_t i = 0; i < size; ++i) t[i] = f[i];
  return to;
}

extern "C" void* memset(void* to, int value, size_t size) {
  auto* t = static_cast<volatile char*>(to);
  for (size_t i = 0; i < size; ++i) t[i] = static_cast<char>(value);
  return to;
}

extern "C" [[noreturn]] void initMain() { run(); }

#if defined(__x86_64__)
asm(".globl _start\n_start:\n xor %ebp, %ebp\n and $-16, %rsp\n call initMain\n hlt\n");
#else
asm(".globl _start\n_start:\n mov x29, #0\n bl initMain\n brk #0\n");
#endif
