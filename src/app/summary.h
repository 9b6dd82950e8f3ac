#pragma once
// What a read job tells at its end.

#include <string>
#include <utility>
#include <vector>

#include "app/inputs.h"
#include "app/read_job.h"
#include "reader/page/page.h"

namespace lectern::app {

struct DocumentSummary {
  std::string source;
  std::string json_path;
  std::string type;
  size_t pages = 0;
  size_t lines = 0;
  size_t words = 0;
  size_t tables = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  // Summed by stage; closed, see closeTimings.
  std::vector<reader::StageTiming> timings;
  double millis = 0;
};

struct Failed {
  std::string source;
  std::string message;
};

struct Summary {
  std::vector<DocumentSummary> documents;
  std::vector<Failed> failures;
  size_t skipped = 0;
  size_t wanted = 0;
  bool stopped = false;
  double wall_millis = 0;
};

/// Makes timings add up to `millis` of wall time: what no stage has measured becomes `other`. Stages of pages that were read
/// side by side come to more than that: what is too much becomes `overlap`, below zero.
void closeTimings(std::vector<reader::StageTiming>& timings, double millis);

DocumentSummary summarize(const reader::Document& document, const InputFile& file, const std::filesystem::path& out,
                          double millis);

/// On standard output: a few lines for people, or one JSON object with json_summary.
void printSummary(const Summary& summary, const ReadJobOptions& options);

}  // namespace lectern::app
