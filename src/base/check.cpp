#include "base/check.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/result.h"

namespace lectern {

void checkFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
  std::abort();
}

std::string_view codeName(Code code) {
  switch (code) {
    case Code::kInvalid:
      return "invalid";
    case Code::kNotFound:
      return "not found";
    case Code::kExists:
      return "exists";
    case Code::kTooLarge:
      return "too large";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kDenied:
      return "denied";
    case Code::kTimeout:
      return "timeout";
    case Code::kNoSpace:
      return "no space";
    case Code::kCorrupt:
      return "corrupt";
    case Code::kCancelled:
      return "cancelled";
    case Code::kInternal:
      return "internal";
  }
  return "unknown";
}

namespace {
Code codeOfErrno(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return Code::kNotFound;
    case EEXIST:
      return Code::kExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::kDenied;
    case ENOSPC:
    case EDQUOT:
      return Code::kNoSpace;
    case EFBIG:
    case E2BIG:
    case ENAMETOOLONG:
      return Code::kTooLarge;
    case ETIMEDOUT:
      return Code::kTimeout;
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return Code::kUnavailable;
    case EINVAL:
    case EISDIR:
      return Code::kInvalid;
    default:
      return Code::kInternal;
  }
}
}  // namespace

Failure failErrno(std::string_view doing, int error_number) {
  return fail(codeOfErrno(error_number), std::string(doing) + ": " + std::strerror(error_number));
}

}  // namespace lectern
