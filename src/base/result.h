#pragma once
// Result<T>: the way to report whatever a caller, a user or the machine can cause. Bugs use CHECK (base/check.h).

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace lectern {

enum class Code {
  kInvalid,      // the input is wrong and will stay wrong
  kNotFound,     // the named thing does not exist
  kExists,       // the named thing exists already
  kTooLarge,     // a stated limit is passed
  kUnavailable,  // try again later, or the machine does not offer it
  kDenied,       // not permitted
  kTimeout,      // a deadline passed
  kNoSpace,      // disk full
  kCorrupt,      // stored or received data is damaged
  kCancelled,    // the user stopped it
  kInternal,     // a library failed in a way that has no better name
};

/// Name of a code, for logs and tests.
std::string_view codeName(Code code);

struct Error {
  Code code = Code::kInternal;
  std::string message;

  /// The same error with what was being done in front: "reading a.jpg: truncated".
  Error with(std::string_view doing) const { return Error{code, std::string(doing) + ": " + message}; }
  bool operator==(const Error&) const = default;
};

template <typename T>
using Result = tl::expected<T, Error>;

using Failure = tl::unexpected<Error>;

inline Failure fail(Code code, std::string message) { return Failure(Error{code, std::move(message)}); }

/// An error from errno after a failed system call: "open /x: No such file or directory", with the fitting code.
Failure failErrno(std::string_view doing, int error_number);

}  // namespace lectern

#define LECTERN_CONCAT_INNER(a, b) a##b
#define LECTERN_CONCAT(a, b) LECTERN_CONCAT_INNER(a, b)

/// TRY(auto x, expr): x is the value of the Result, or the enclosing function returns its error.
#define TRY(declaration, expression)                                                                                 \
  auto LECTERN_CONCAT(try_, __LINE__) = (expression);                                                                \
  if (!LECTERN_CONCAT(try_, __LINE__)) return ::lectern::Failure(std::move(LECTERN_CONCAT(try_, __LINE__)).error()); \
  declaration = std::move(*LECTERN_CONCAT(try_, __LINE__))

/// TRY_VOID(expr): returns the error of a Result<void>, if it has one.
#define TRY_VOID(expression)                                                               \
  do {                                                                                     \
    auto lectern_try_void = (expression);                                                  \
    if (!lectern_try_void) return ::lectern::Failure(std::move(lectern_try_void).error()); \
  } while (false)
