#pragma once
// The system calls that have no wrapper in this C library, and processes that share memory with their parent until
// they exec: cloning costs microseconds whatever the size of the parent.

#include <linux/mount.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

namespace lectern::spawner {

/// Runs entry(argument) in a new process with clone3 flags `flags` (CLONE_VM and CLONE_VFORK are added); the caller
/// waits until it execs or ends. `cgroup` is a directory of cgroup2 or -1. Returns the process id or -errno; with
/// CLONE_PIDFD *pidfd is set. The entry must not return. It shares all memory: it may write results into `argument`.
long cloneProcess(uint64_t flags, int cgroup, int* pidfd, void (*entry)(void*), void* argument);

/// A detached copy of the mount at `path` (with what is mounted below it), read-only unless `writable`; nosuid, nodev.
/// -errno on failure.
int cloneMount(const char* path, bool writable);
/// Attaches a detached mount at `path`. 0 or -errno.
int attachMount(int mount, const char* path);
/// A detached tmpfs. 0 or more: its fd.
int makeTmpfs(uint64_t bytes, const char* mode);
/// A detached read-only union of directories, the first one on top.
int makeOverlay(const std::vector<std::string>& upper_first);

/// Keeps all capabilities of the caller over exec, for a process whose user is not root. 0 or -errno.
int keepCapabilities();

/// Writes a whole short text to a file; 0 or -errno.
int writeText(const char* path, const std::string& text);
int writeTextAt(int dir, const char* name, const std::string& text);
/// A short file's text; empty when it cannot be read.
std::string readText(const char* path);
std::string readTextAt(int dir, const char* name);

/// Sends one packet with descriptors; 0 or -errno.
int sendPacket(int socket, const void* data, size_t size, const int* fds, int fd_count);
/// Receives one packet; its size, 0 at the end, or -errno. Descriptors that came along are close-on-exec.
long receivePacket(int socket, void* data, size_t size, std::vector<int>* fds, bool wait);

}  // namespace lectern::spawner
