#pragma once
// Messages between the spawner and the init of a sandbox. The init has no C library, so these are plain structures.

#include <stdint.h>

namespace lectern::spawner {

enum InitKind : uint32_t { kInitGo = 1, kInitFreeze, kInitThaw, kInitSignal, kInitClear, kInitMark };

/// A sandbox runs its function in slot 0 and extensions beside it.
constexpr uint32_t kSlots = 16;

enum InitFlag : uint32_t {
  kInitRun = 1,       // start the command; without it only the mounts are made
  kInitTemplate = 2,  // the process keeps what it needs to put its forks into other sandboxes
  kInitDefault = 4,   // the command is a list of programs to try, not a program and its arguments
  kInitBoot = 16,     // the process starts before the mounts are there, and waits for them at the socket that it gets
  kInitKeep = 8,      // the init stays when its processes have ended, and can start others
};

/// Followed by NUL-terminated texts (mount targets, arguments, environment), then by the filter program at
/// filter_offset. Descriptors: the mounts in order, then output, then, with kInitTemplate or kInitBoot, the socket.
struct InitGo {
  uint32_t kind, flags;
  uint32_t mounts, arguments, variables;
  uint32_t filter_offset, filter_length;  // bytes from the start of the message; instructions
  uint32_t uid, gid, max_fds, max_processes;
  uint32_t slot;
};

struct InitSignal {
  uint32_t kind, slot, number;
};

/// "Tell the event of this memory use." Descriptors: cgroup.event_control, the eventfd, the usage file.
struct InitMark {
  uint32_t kind, unused;
  uint64_t bytes;
};

enum InitReplyKind : uint32_t { kInitMounted = 1, kInitEnded, kInitFailed, kInitCleared, kInitMarked };

struct InitReply {
  uint32_t kind;
  int32_t value;  // kInitEnded: the status word of wait4; kInitFailed: errno
  int32_t step;   // kInitFailed: number of the mount; kInitEnded: errno of exec when it failed, or 0
  uint32_t slot;  // kInitEnded: which process
};

}  // namespace lectern::spawner
