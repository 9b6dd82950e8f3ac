#pragma once
// Progress of long work on standard error: a bar on a terminal, a plain line each document otherwise.

#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace lectern::app {

class Progress {
 public:
  /// `total` things named `unit` ("documents"); quiet prints nothing but messages.
  Progress(int total, std::string unit, const Clock& clock, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;

  /// One thing is done; `what` names it. Thread-safe.
  void done(std::string_view what, std::string_view detail);
  /// So many pages of a document under way are read: told on a bar at once, as a line every few seconds. Thread-safe.
  void page(std::string_view what, int read, int pages);
  /// Prints a line above the bar. Thread-safe.
  void message(std::string_view line);

 private:
  void draw();
  void clearBar();

  std::mutex mutex_;
  const int total_;
  const std::string unit_;
  const Clock& clock_;
  const SteadyTime start_;
  const bool terminal_;
  const bool quiet_;
  bool bar_shown_ = false;
  int done_ = 0;
  std::string pages_;  // of the document that told last, for the bar
  SteadyTime last_page_line_;
};

}  // namespace lectern::app
