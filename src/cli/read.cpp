#include <fmt/core.h>

#include <memory>

#include "app/read_job.h"
#include "base/clock.h"
#include "cli/commands.h"
#include "reader/output/output.h"

namespace lectern::cli {

namespace {
struct Given {
  app::ReadJobOptions job;
  std::string formats = "json,csv";
  std::string pages;
  std::string shared;
};

int readCommand(Given& given) {
  auto formats = reader::parseFormats(given.formats);
  if (!formats) {
    fmt::print(stderr, "lectern read: --format: {}\n", formats.error().message);
    return 2;
  }
  given.job.formats = *formats;
  if (!given.pages.empty()) {
    auto pages = app::parsePageRanges(given.pages);
    if (!pages) {
      fmt::print(stderr, "lectern read: --pages: {}\n", pages.error().message);
      return 2;
    }
    given.job.pages = *pages;
  }
  if (!given.shared.empty()) {
    const size_t sign = given.shared.rfind('=');
    if (sign == std::string::npos || given.shared.compare(sign + 1, 1, "/") != 0 ||
        !app::isEndpoint(given.job.engine)) {
      fmt::print(stderr, "lectern read: --shared needs DIR=/mnt/NAME, and an --engine URL\n");
      return 2;
    }
    given.job.shared_here = given.shared.substr(0, sign);
    given.job.shared_there = given.shared.substr(sign + 1);
  }
  const RealClock clock;
  return app::runReadJob(given.job, clock);
}
}  // namespace

void addRead(CLI::App& app, int& status) {
  auto* command =
      app.add_subcommand("read",
                         "Read page images and PDFs: words, lines, tables and fields as files and as a database.\n"
                         "Examples:\n"
                         "  lectern read samples/receipt.jpg\n"
                         "  lectern read scans/ --out result --db receipts.db --format json,csv,md\n"
                         "  lectern read scans/ --engine http://127.0.0.1:9000\n"
                         "Writes NAME.json and NAME-t1.csv, ... and documents.db into the output folder. What was "
                         "read before is skipped.\n"
                         "Exit status: 0 all read, 1 something was not (each failure is named), 2 wrong usage.");
  auto given = std::make_shared<Given>();
  auto& job = given->job;
  command->add_option("paths", job.paths, "Files and folders")->required();
  command->add_option("--out", job.out, "Output folder")->capture_default_str();
  command->add_option("--format", given->formats, "Output formats, comma-separated")->capture_default_str();
  command->add_option("--db", job.db, "Database file (default: documents.db in the output folder)");
  command->add_option("--lang", job.languages, "Languages of --recognizer tesseract, for example eng+deu")->capture_default_str();
  command->add_option("--detector", job.detector,
                      "Text detector: ctpn, ctpn-vgg16 (the paper's, slow), db, or auto: db for small print")
      ->check(CLI::IsMember({"auto", "ctpn", "ctpn-vgg16", "db"}))
      ->capture_default_str();
  command->add_option("--recognizer", job.recognizer, "Text recogniser: tesseract or ppocr")
      ->check(CLI::IsMember({"tesseract", "ppocr"}))
      ->capture_default_str();
  command->add_option("--pages", given->pages, "Pages to read, for example 1-3,7 (default: all)");
  command
      ->add_option("--engine", job.engine,
                   "embedded, in-process, or the URL of a Lambda endpoint with the functions ocr and pdf")
      ->check([](const std::string& text) {
        const bool known = text == "embedded" || text == "in-process" || app::isEndpoint(text);
        return known ? std::string() : text + " is not embedded, in-process or http://HOST:PORT";
      })
      ->capture_default_str();
  command->add_option("--function-prefix", job.function_prefix, "At a URL: what stands before the functions' names");
  command->add_option("--shared", given->shared,
                      "At a URL: DIR=/mnt/NAME, a folder here that the functions see as /mnt/NAME; files go by path "
                      "instead of inside the events (6 MB)");
  command
      ->add_option("--concurrency", job.concurrency,
                   "Pages at once, of one document or several (default: the number of cores)")
      ->check(CLI::Range(1, 1000));
  command->add_option("--memory", job.memory_mb, "Memory of the function in MB")->check(CLI::Range(128, 10240));
  command->add_option("--page-timeout", job.page_timeout_s, "Seconds that a function may take for one page")
      ->check(CLI::Range(1, 900))
      ->capture_default_str();
  command->add_flag("--force", job.force, "Read again what was read before");
  command->add_flag("--quiet", job.quiet, "No progress");
  command->add_flag("--json", job.json_summary, "Print the summary as JSON");
  command->callback([given, &status] { status = readCommand(*given); });
}

}  // namespace lectern::cli
