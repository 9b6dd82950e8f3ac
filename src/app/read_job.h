#pragma once
// `lectern read`: files in, NAME.json, tables and a database out. Read this first; backends say where a page is read.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/inputs.h"
#include "base/clock.h"
#include "base/result.h"

namespace lectern::app {

struct ReadJobOptions {
  std::vector<std::filesystem::path> paths;
  std::filesystem::path out = "out";
  std::vector<std::string> formats = {"json", "csv"};
  std::filesystem::path db;  // empty: out/documents.db
  std::string languages = "eng";
  std::string detector = "auto";
  std::string recognizer = "ppocr";
  std::vector<PageRange> pages;                     // empty: all
  std::string engine = "embedded";                  // embedded, in-process or the URL of a Lambda endpoint
  std::string function_prefix;                      // of `ocr` and `pdf` at a URL
  std::filesystem::path shared_here, shared_there;  // a folder and what the functions at a URL call it; or empty
  int concurrency = 0;                              // pages at once; 0: as many as there are cores
  int memory_mb = 0;                                // of the function; 0: one whole core's worth
  int page_timeout_s = 300;                         // of one page in a function
  bool force = false;                               // read again what is done
  bool quiet = false;
  bool json_summary = false;  // the summary on standard output as JSON
};

/// True when `engine` is the URL of an endpoint.
bool isEndpoint(const std::string& engine);

/// Runs the job. Returns the exit status: 0 all read, 1 something was not (each failure named on standard error,
/// everything else kept), 2 wrong usage. SIGINT and SIGTERM stop after the documents under way are abandoned; what is
/// done stays.
int runReadJob(const ReadJobOptions& options, const Clock& clock);

}  // namespace lectern::app
