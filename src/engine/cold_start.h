#pragma once
// Measures how long a function with a large model takes to be ready: started as a process, forked from a template, and
// forked from a template whose weights lie in memory that functions share. What `lectern bench cold-start` runs.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace lectern::engine {

struct ColdStartOptions {
  std::vector<int> models_mb = {71, 275, 1024, 4096};  // 0: the echo function
  std::vector<int> instances = {1, 40};
  std::vector<std::string> modes = {"ordinary", "fork", "snapshot"};
  bool keeper = true;  // "snapshot": weights are the machine's one copy, as under `lectern serve`; else the template's own
  int repeats = 20;                     // of a row with one instance; fewer where one start takes seconds
  std::filesystem::path functions_dir;  // holds cold_start/ and echo/; empty: beside the running program
  std::filesystem::path models_dir;     // where generated models are kept; empty: the cache folder
};

/// Medians of one row. Times are milliseconds from the request for an instance; memory is decimal megabytes.
struct ColdStartRow {
  int model_mb = 0, instances = 0, samples = 0;
  std::string mode;       // "ordinary", "fork" or "snapshot"
  double ready_ms = 0;    // until the instance asks for its first event
  double first_ms = 0;    // its first inference
  double warm_ms = 0;     // its second one
  double private_mb = 0;  // charged to the instance, at rest
  double shared_mb = 0;   // charged to the template and to the keeper of weights
  std::string isolation;  // "full" or "degraded"
};

/// Runs all rows in order and tells each as soon as it is measured.
Result<void> runColdStart(const ColdStartOptions& options, const std::function<void(const ColdStartRow&)>& on_row,
                          const std::function<void(const std::string&)>& on_progress);

/// An SVG picture of the rows: ready time against model size, one line a mode, logarithmic.
std::string coldStartPlot(const std::vector<ColdStartRow>& rows);

}  // namespace lectern::engine
