#include "engine/instance/log_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/ids.h"
#include "base/log.h"

namespace lectern::engine {

namespace {
constexpr size_t kFlushAt = 256 * 1024;

/// The folder of a log group, whose name may have parts that lead elsewhere: "../../etc".
std::filesystem::path folderOf(const std::string& group) {
  std::filesystem::path folder;
  for (const auto& part : std::filesystem::path(group).relative_path()) {
    folder /= part == ".." || part == "." ? std::filesystem::path("_") : part;
  }
  return folder.empty() ? "_" : folder;
}
}

LogStream::LogStream(LogStore& store, std::string group, std::string name)
    : store_(store), group_(std::move(group)), name_(std::move(name)) {}

LogStream::~LogStream() {
  flush();
  store_.forget(this);
}

void LogStream::write(std::string_view text) {
  if (text.empty()) return;
  pending_ += text;
  open_line_ = text.back() != '\n';
  if (pending_.size() >= kFlushAt) {
    flush();
  } else if (!dirty_) {
    dirty_ = true;
    store_.markDirty(this);
  }
}

void LogStream::endLine() {
  if (open_line_) write("\n");
}

void LogStream::flush() {
  if (pending_.empty()) return;
  if (!fd_.valid() && !failed_) {
    auto path = store_.directory_ / folderOf(group_) / (name_ + ".log");
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    fd_ = Fd(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    failed_ = !fd_.valid();
    if (failed_) logWarn("cannot write log " + path.string());
  }
  if (fd_.valid() && size_ > store_.limit_) {
    if (ftruncate(fd_.get(), 0) == 0) size_ = 0;
    pending_.insert(0, "(older lines of this log were dropped: it passed its size limit)\n");
  }
  std::string_view rest = pending_;
  while (fd_.valid() && !rest.empty()) {
    ssize_t n = ::write(fd_.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;  // a full disk costs log lines, not invocations
    rest.remove_prefix(size_t(n));
    size_ += n;
  }
  pending_.clear();
}

LogStore::LogStore(net::Loop& loop, std::filesystem::path directory, int64_t limit)
    : loop_(loop), directory_(std::move(directory)), limit_(limit) {}

LogStore::~LogStore() {
  loop_.cancel(timer_);
  flushAll();
}

std::unique_ptr<LogStream> LogStore::open(const std::string& group, const std::string& version) {
  std::string day = formatIso(loop_.clock().wall()).substr(0, 10);
  std::replace(day.begin(), day.end(), '-', '/');
  return std::make_unique<LogStream>(*this, group, day + "/[" + version + "]" + randomHex(16));
}

void LogStore::markDirty(LogStream* stream) {
  dirty_.push_back(stream);
  if (timer_ == 0) {
    timer_ = loop_.after(Millis(20), [this] {
      timer_ = 0;
      flushAll();
    });
  }
}

void LogStore::forget(LogStream* stream) {
  dirty_.erase(std::remove(dirty_.begin(), dirty_.end(), stream), dirty_.end());
}

void LogStore::flushAll() {
  for (auto* stream : dirty_) {
    stream->dirty_ = false;
    stream->flush();
  }
  dirty_.clear();
}

}  // namespace lectern::engine
