// The bootstrap of a packed function: starts the loader of the bundle on the program of the bundle. Free-standing.
// lectern pack writes the program's arguments, each ended by a NUL, behind the mark.

__attribute__((used, section(".data"))) volatile char lectern_arguments[2048] = "LECTERN-ARGUMENTS:";
enum { kMark = 18, kMaxArguments = 64, kExecve = 59, kExit = 60 };

static long call3(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

__attribute__((used)) void lectern_start(long* stack) {
  char** environment = (char**)(stack + 1 + stack[0] + 1);
  char* arguments[kMaxArguments + 8];
  int n = 0;
  arguments[n++] = "/var/task/lib/ld.so";
  arguments[n++] = "--library-path";
  arguments[n++] = "/var/task/lib:/opt/lib";
  arguments[n++] = "/var/task/bin/function";
  char* at = (char*)lectern_arguments + kMark;
  while (*at != 0 && n < kMaxArguments) {
    arguments[n++] = at;
    while (*at != 0) ++at;
    ++at;
  }
  arguments[n] = 0;
  call3(kExecve, (long)arguments[0], (long)arguments, (long)environment);
  call3(kExit, 127, 0, 0);
}

__asm__(".globl _start\n_start:\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call lectern_start\n");
