#pragma once
// Diagnostics of the program itself, one line each on standard error. What functions print is product output, not
// this.

#include <string_view>

namespace lectern {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

/// Lines below this level are dropped; LECTERN_LOG=debug|info|warn|error sets it at start (default warn).
void setLogLevel(LogLevel level);
LogLevel logLevel();
void logLine(LogLevel level, std::string_view text);

inline void logDebug(std::string_view text) { logLine(LogLevel::kDebug, text); }
inline void logInfo(std::string_view text) { logLine(LogLevel::kInfo, text); }
inline void logWarn(std::string_view text) { logLine(LogLevel::kWarn, text); }
inline void logError(std::string_view text) { logLine(LogLevel::kError, text); }

}  // namespace lectern
