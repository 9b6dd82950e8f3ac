// Runs the reading stages apart, so that what comes after recognition can be measured by itself.
//
//   stages ocr OUT_DIR IMAGE...        recognises each image and keeps the words as OUT_DIR/NAME.json
//   stages finish IN_DIR OUT_DIR IMAGE...   takes those words, runs all later stages, writes OUT_DIR/NAME.json, CSV
//                                     and OUT_DIR/documents.db
//
// `finish` prints its processor milliseconds a file, database and outputs included; recognition's own time stands in
// the JSON under "timings".

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "reader/analyse.h"
#include "reader/image/decode.h"
#include "reader/output/output.h"
#include "reader/pipeline.h"
#include "reader/store/store.h"

namespace lectern::reader {
namespace {

namespace fs = std::filesystem;

Result<void> recognise(const Reader& reader, const fs::path& out, const fs::path& path) {
  TRY(auto file, ImageFile::open(path));
  Document document;
  document.name = path.filename().string();
  document.models = reader.models();
  for (int n = 1; n <= file->pages(); ++n) {
    TRY(auto image, file->page(n));
    TRY(auto page, reader.readPage(image, n, document.timings));
    document.pages.push_back(std::move(page));
  }
  assignIds(document);
  return writeFileAtomic(out / (path.stem().string() + ".json"), documentToText(document));
}

/// Processor time of this process so far, milliseconds.
double cpuMillis() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

/// The processor time of the later stages, without reading the words and the picture.
Result<double> finish(Store& store, const fs::path& in, const fs::path& out, const fs::path& path) {
  const std::string stem = path.stem().string();
  TRY(auto text, readFile(in / (stem + ".json")));
  TRY(auto document, documentFromText(text));
  TRY(auto file, ImageFile::open(path));
  double millis = 0;
  for (auto& page : document.pages) {
    TRY(auto image, file->page(page.number));
    const double start = cpuMillis();
    analysePage(page, image);
    millis += cpuMillis() - start;
  }
  const double start = cpuMillis();
  finishDocument(document);
  nameTables(document, stem);
  document.name = stem;
  TRY_VOID(store.put(document));
  TRY(auto written, writeOutputs(document, stem, {"json", "csv"}, out));
  return millis + cpuMillis() - start;
}

int run(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const int first = mode == "ocr" ? 3 : 4;
  if ((mode != "ocr" && mode != "finish") || argc <= first) {
    std::fprintf(stderr, "usage: stages ocr OUT_DIR IMAGE... | stages finish IN_DIR OUT_DIR IMAGE...\n");
    return 2;
  }
  RealClock clock;
  const fs::path out = argv[first - 1];
  std::error_code ec;
  fs::create_directories(out, ec);
  Result<std::unique_ptr<Reader>> reader = std::unique_ptr<Reader>();
  if (mode == "ocr") {
    ReaderOptions options;
    if (const char* name = std::getenv("LECTERN_RECOGNIZER")) options.recognizer = name;
    if (const char* prepare = std::getenv("LECTERN_PREPARE")) options.prepare = *prepare != '0';
    reader = Reader::create(options, clock);
    if (!reader) {
      std::fprintf(stderr, "%s\n", reader.error().message.c_str());
      return 1;
    }
  }
  Result<std::unique_ptr<Store>> store = std::unique_ptr<Store>();
  if (mode == "finish") {
    store = Store::open(out / "documents.db");
    if (!store) {
      std::fprintf(stderr, "%s\n", store.error().message.c_str());
      return 1;
    }
  }
  double millis = 0;
  int failed = 0;
  for (int i = first; i < argc; ++i) {
    Result<double> done = 0.0;
    if (mode == "ocr") {
      if (auto r = recognise(**reader, out, argv[i]); !r) done = Failure(r.error());
    } else {
      done = finish(**store, argv[2], out, argv[i]);
    }
    if (!done) {
      std::fprintf(stderr, "%s: %s\n", argv[i], done.error().message.c_str());
      ++failed;
      continue;
    }
    millis += *done;
  }
  if (mode == "finish")
    std::printf("%.2f processor ms a file, %d files, %d failed\n", millis / (argc - first), argc - first, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace lectern::reader

int main(int argc, char** argv) { return lectern::reader::run(argc, argv); }
