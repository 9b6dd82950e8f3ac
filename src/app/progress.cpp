#include "app/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>

#include "base/text.h"

namespace lectern::app {

namespace {
constexpr int kBarWidth = 30;
constexpr Nanos kBetweenLines = Seconds(5);
}  // namespace

Progress::Progress(int total, std::string unit, const Clock& clock, bool quiet)
    : total_(total),
      unit_(std::move(unit)),
      clock_(clock),
      start_(clock.now()),
      terminal_(isatty(STDERR_FILENO) == 1),
      quiet_(quiet),
      last_page_line_(start_) {
  if (total_ > 1) draw();
}

Progress::~Progress() { clearBar(); }

void Progress::clearBar() {
  if (bar_shown_) fmt::print(stderr, "\r\033[K");
  bar_shown_ = false;
}

void Progress::draw() {
  if (quiet_ || !terminal_ || (total_ <= 1 && pages_.empty())) return;
  const double share = total_ == 0 ? 1 : static_cast<double>(done_) / total_;
  const int filled = static_cast<int>(share * kBarWidth);
  const double seconds = static_cast<double>((clock_.now() - start_).count()) / 1e9;
  std::string left;
  if (done_ > 0 && done_ < total_) left = fmt::format(", about {:.0f} s left", seconds / done_ * (total_ - done_));
  fmt::print(stderr, "\r\033[K[{}{}] {}/{} {}{}{}", std::string(static_cast<size_t>(filled), '#'),
             std::string(static_cast<size_t>(kBarWidth - filled), '.'), done_, total_, unit_, left, pages_);
  std::fflush(stderr);
  bar_shown_ = true;
}

void Progress::done(std::string_view what, std::string_view detail) {
  const std::lock_guard lock(mutex_);
  ++done_;
  pages_.clear();
  if (quiet_) return;
  if (!terminal_) fmt::print(stderr, "[{}/{}] {}: {}\n", done_, total_, printable(what), detail);
  draw();
}

void Progress::page(std::string_view what, int read, int pages) {
  const std::lock_guard lock(mutex_);
  if (quiet_) return;
  const std::string text = pages == INT_MAX ? fmt::format("page {}", read) : fmt::format("page {} of {}", read, pages);
  if (terminal_) {
    pages_ = fmt::format("; {}: {}", printable(what), text);
    return draw();
  }
  const SteadyTime now = clock_.now();
  if (now - last_page_line_ < kBetweenLines) return;
  last_page_line_ = now;
  fmt::print(stderr, "{}: {}\n", printable(what), text);
}

void Progress::message(std::string_view line) {
  const std::lock_guard lock(mutex_);
  clearBar();
  fmt::print(stderr, "{}\n", printable(line));
  draw();
}

}  // namespace lectern::app
