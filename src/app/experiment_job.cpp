#include "app/experiment_job.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <thread>
#include <vector>

#include "app/experiment_functions.h"
#include "plan/experiment.h"
#include "reader/image/decode.h"
#include "reader/pipeline.h"

namespace lectern::app {

namespace {

constexpr int kSingles = 9, kRuns = 3, kRepeatedUpTo = 8;

void progress(std::string_view text) { fmt::print(stderr, "experiment: {}\n", text); }

double secondsSince(SteadyTime begun, const Clock& clock) {
  return static_cast<double>((clock.now() - begun).count()) / 1e9;
}

/// Processor time of this process, all threads, in seconds.
double processorSeconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct BatchTime {
  double response_s = 0, processor_s = 0;
};

/// Reads the page `images` times with as many threads as the machine has.
Result<BatchTime> readBatch(const reader::Reader& reader, const reader::Image& image, int images, int threads,
                         const Clock& clock) {
  std::atomic<int> next{0};
  std::atomic<bool> failed{false};
  const SteadyTime begun = clock.now();
  const double before = processorSeconds();
  std::vector<std::thread> workers;
  for (int n = 0; n < std::min(threads, images); ++n) {
    workers.emplace_back([&] {
      while (next++ < images) {
        std::vector<reader::StageTiming> timings;
        if (!reader.readPage(image, 1, timings)) failed = true;
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  if (failed) return fail(Code::kInternal, "the page could not be read");
  return BatchTime{secondsSince(begun, clock), processorSeconds() - before};
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

Result<plan::Calibration> measure(const ExperimentOptions& options, const Clock& clock) {
  plan::Calibration c;
  c.measured = true;
  progress("measuring: loading the models");
  const int threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const double begun = processorSeconds();
  reader::ReaderOptions reader_options;
  reader_options.detector = options.detector;
  reader_options.pages_at_once = threads;
  TRY(const auto reader, reader::Reader::create(reader_options, clock));
  c.load_ms = 1000 * (processorSeconds() - begun);
  TRY(const auto file, reader::ImageFile::open(options.image));
  TRY(const reader::Image image, file->page(1));
  TRY(const BatchTime first, readBatch(*reader, image, 1, 1, clock));
  (void)first;  // fills caches and arenas
  // Processor time, so that what else runs on the machine does not count as the function's work.
  std::vector<double> singles, stretch;
  for (int n = 0; n < kSingles; ++n) {
    TRY(const BatchTime time, readBatch(*reader, image, 1, 1, clock));
    singles.push_back(1000 * time.processor_s);
    stretch.push_back(time.response_s / time.processor_s);
  }
  c.page_ms = median(singles);
  double squares = 0;
  for (const double ms : singles) squares += (ms - c.page_ms) * (ms - c.page_ms);
  c.page_cv = std::clamp(std::sqrt(squares / static_cast<double>(singles.size())) / c.page_ms, 0.02, 0.3);
  const SteadyTime batches = clock.now();
  for (const int size : {1, 2, 4, 8, 16, 32, 64}) {
    if (secondsSince(batches, clock) + size * c.page_ms / 1000 / threads > options.budget_s) {
      progress(fmt::format("measuring: batches from {} left out, they would pass {:.0f} s", size, options.budget_s));
      break;
    }
    progress(fmt::format("measuring: {} image{}", size, size == 1 ? "" : "s"));
    // The least of some runs is the one that was disturbed least.
    double least = 0;
    for (int run = 0; run < (size <= kRepeatedUpTo ? kRuns : 1); ++run) {
      TRY(const BatchTime time, readBatch(*reader, image, size, threads, clock));
      least = run == 0 ? time.response_s : std::min(least, time.response_s);
    }
    c.batch_seconds.emplace_back(size, least);
  }
  if (const auto functions = measureFunctions(options.image, options.detector, clock, c, progress); !functions) {
    progress("no function is measured: " + functions.error().message);
  }
  c.source = fmt::format("{} read in one process of this machine ({} threads, detector {}; the median processor time of {} "
                         "runs, each of which took {:.2f} times that)",
                         options.image.filename().string(), threads, options.detector, kSingles, median(stretch));
  return c;
}

}  // namespace

int runExperimentJob(const ExperimentOptions& options, const Clock& clock) {
  const auto numbers = plan::figureNumbers(options.name);
  if (!numbers) {
    fmt::print(stderr, "lectern experiment: {}\n", numbers.error().message);
    return 2;
  }
  plan::Calibration calibration;
  if (options.page_ms > 0) {
    calibration.page_ms = options.page_ms;
    calibration.load_ms = 500;
    calibration.source = "times given on the command line, nothing measured";
  } else {
    auto measured = measure(options, clock);
    if (!measured) {
      fmt::print(stderr,
                 "lectern experiment: cannot measure the reader: {}. Give --image FILE, fetch the models with "
                 "tools/fetch_assets, or give --page-ms to simulate only.\n",
                 measured.error().message);
      return 1;
    }
    calibration = std::move(*measured);
  }
  const auto text = plan::runExperiment(*numbers, calibration, options.out, progress);
  if (!text) {
    fmt::print(stderr, "lectern experiment: {}\n", text.error().message);
    return 1;
  }
  fmt::print("{}", *text);
  return 0;
}

}  // namespace lectern::app
