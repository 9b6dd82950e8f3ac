#pragma once
// CHECK: a bug ends the process with file, line and reason, in release builds too.

namespace lectern {
[[noreturn]] void checkFailed(const char* file, int line, const char* condition);
}

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) ::lectern::checkFailed(__FILE__, __LINE__, #condition); \
  } while (false)
