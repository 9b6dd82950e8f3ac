#pragma once
// `lectern experiment`: measures the reader on this machine, then lets plan/ compute the figures.

#include <filesystem>
#include <string>

#include "base/clock.h"

namespace lectern::app {

struct ExperimentOptions {
  std::string name = "all";
  std::filesystem::path out = "out";
  std::filesystem::path image = "samples/receipt.jpg";  // the page that is read again and again
  std::string detector = "ctpn";  // the paper's application
  double page_ms = 0;      // above zero: do not measure, take this time of an image on one thread
  double budget_s = 300;   // larger batches are left out when they would pass it
};

/// Runs to the end and returns the exit status; progress and errors go to standard error.
int runExperimentJob(const ExperimentOptions& options, const Clock& clock);

}  // namespace lectern::app
