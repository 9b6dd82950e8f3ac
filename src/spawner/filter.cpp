#include "spawner/filter.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace lectern::spawner {
namespace {

// By name: libseccomp leaves out what an architecture does not have.
const char* const kDenied[] = {
    // Mounts, namespaces, roots.
    "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick",
    "mount_setattr", "unshare", "open_by_handle_at", "name_to_handle_at",
    // Other processes.
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "process_madvise", "pidfd_getfd",
    // The machine.
    "reboot", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "swapon", "swapoff",
    "acct", "quotactl", "quotactl_fd", "syslog", "sethostname", "setdomainname", "settimeofday", "clock_settime",
    "clock_adjtime", "adjtimex", "iopl", "ioperm", "vhangup", "nfsservctl", "lookup_dcookie", "uselib", "ustat",
    "sysfs", "personality",
    // Large or old attack surface that no function needs.
    "bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "fanotify_init", "modify_ldt", "vm86", "vm86old", "remap_file_pages", "mbind",
    "set_mempolicy", "migrate_pages", "move_pages"};

}  // namespace

std::vector<sock_filter> buildFilter(bool for_template) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (!filter) return {};
  auto deny = [&](const char* name) {
    int number = seccomp_syscall_resolve_name(name);
    if (number != __NR_SCMP_ERROR) seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
  };
  for (const char* name : kDenied) deny(name);
  if (!for_template) deny("setns");
  // New namespaces by clone; clone3 hides its flags in memory, so the C library must fall back to clone.
  for (unsigned long flag :
       {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP}) {
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag));
  }
  seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  // Only address families that a network namespace holds in: AF_VSOCK, for one, reaches the hypervisor from anywhere.
  for (int family = 0; family < 64; ++family) {
    if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK) continue;
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                     SCMP_A0_32(SCMP_CMP_EQ, static_cast<unsigned>(family)));
  }
  seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, SCMP_A0_32(SCMP_CMP_GE, 64));
  // Fakes typed input on a terminal that an operator started the engine from.
  seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1, SCMP_A1_32(SCMP_CMP_EQ, 0x5412));
  seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);  // decision tree: many rules, few steps

  std::vector<sock_filter> program;
  int memory = memfd_create("filter", MFD_CLOEXEC);
  if (memory >= 0 && seccomp_export_bpf(filter, memory) == 0) {
    off_t size = lseek(memory, 0, SEEK_END);
    program.resize(static_cast<size_t>(size) / sizeof(sock_filter));
    if (pread(memory, program.data(), static_cast<size_t>(size), 0) != size) program.clear();
  }
  if (memory >= 0) close(memory);
  seccomp_release(filter);
  return program;
}

}  // namespace lectern::spawner
