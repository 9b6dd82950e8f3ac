#include "base/log.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

#include "base/text.h"

namespace lectern {

namespace {
LogLevel fromEnvironment() {
  const char* value = std::getenv("LECTERN_LOG");
  const std::string_view text = value == nullptr ? "" : value;
  if (text == "debug") return LogLevel::kDebug;
  if (text == "info") return LogLevel::kInfo;
  if (text == "error") return LogLevel::kError;
  return LogLevel::kWarn;
}
std::atomic<LogLevel>& level() {
  static std::atomic<LogLevel> value{fromEnvironment()};
  return value;
}
constexpr const char* kNames[] = {"debug", "info", "warning", "error"};
}  // namespace

void setLogLevel(LogLevel wanted) { level() = wanted; }
LogLevel logLevel() { return level(); }

void logLine(LogLevel line_level, std::string_view text) {
  if (line_level < level().load(std::memory_order_relaxed)) return;
  std::string line = "lectern: ";
  line += kNames[static_cast<int>(line_level)];
  line += ": ";
  line += printable(text);
  line += '\n';
  // One write keeps lines of several threads whole.
  [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace lectern
