#include "engine/invoke/folder_notices.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>

namespace lectern::engine {

FolderNotices::FolderNotices(net::Loop& loop, Appeared appeared, Lost lost)
    : loop_(loop), appeared_(std::move(appeared)), lost_(std::move(lost)) {}

FolderNotices::~FolderNotices() {
  if (inotify_.valid()) loop_.unwatch(inotify_.get());
}

Result<int> FolderNotices::add(const std::filesystem::path& directory) {
  if (!inotify_.valid()) {
    inotify_ = Fd(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!inotify_.valid()) return failErrno("inotify_init", errno);
    loop_.watchReadable(inotify_.get(), [this] { onReadable(); });
  }
  int watch = inotify_add_watch(inotify_.get(), directory.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
  if (watch < 0) return failErrno("watch " + directory.string(), errno);
  return watch;
}

void FolderNotices::remove(int watch) {
  if (inotify_.valid()) inotify_rm_watch(inotify_.get(), watch);
}

void FolderNotices::onReadable() {
  alignas(inotify_event) char buffer[16 * 1024];
  ssize_t n = read(inotify_.get(), buffer, sizeof buffer);
  for (ssize_t at = 0; at + ssize_t(sizeof(inotify_event)) <= n;) {
    auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
    at += ssize_t(sizeof(inotify_event)) + event->len;
    if (event->mask & IN_Q_OVERFLOW) lost_();
    if (event->len > 0) appeared_(event->wd, event->name);
  }
}

}  // namespace lectern::engine
