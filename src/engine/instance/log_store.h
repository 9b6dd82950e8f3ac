#pragma once
// Log files of instances, one stream a file: DIR/aws/lambda/NAME/YYYY/MM/DD/[VERSION]ID.log. Writes are collected and
// flushed some milliseconds later, all streams together.

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "net/loop.h"

namespace lectern::engine {

class LogStore;

class LogStream {
 public:
  LogStream(LogStore& store, std::string group, std::string name);
  ~LogStream();
  /// "2026/11/24/[$LATEST]0123...".
  const std::string& name() const { return name_; }
  void write(std::string_view text);
  /// Ends a line that the function left open, so that the next line of the platform stands alone.
  void endLine();
  void flush();

 private:
  friend class LogStore;
  LogStore& store_;
  std::string group_, name_;
  std::string pending_;
  Fd fd_;
  int64_t size_ = 0;
  bool open_line_ = false;
  bool dirty_ = false;
  bool failed_ = false;
};

class LogStore {
 public:
  /// A stream that passes `limit` is cut to its newest part, so that a flood fills no disk.
  LogStore(net::Loop& loop, std::filesystem::path directory, int64_t limit = 64 << 20);
  ~LogStore();
  std::unique_ptr<LogStream> open(const std::string& group, const std::string& version);
  const std::filesystem::path& directory() const { return directory_; }
  void flushAll();

 private:
  friend class LogStream;
  void markDirty(LogStream* stream);
  void forget(LogStream* stream);

  net::Loop& loop_;
  std::filesystem::path directory_;
  int64_t limit_;
  std::vector<LogStream*> dirty_;
  uint64_t timer_ = 0;
};

}  // namespace lectern::engine
