#include "app/summary.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/text.h"

namespace lectern::app {

namespace {

constexpr size_t kMaxLines = 40;  // documents named one by one
constexpr size_t kMaxFields = 12;

std::string plural(size_t n, const char* one) { return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s"); }

void printJson(const Summary& s, const std::string& db) {
  json::array documents, failures;
  for (const auto& d : s.documents) {
    json::object fields, timings;
    for (const auto& [name, value] : d.fields) fields[name] = value;
    for (const auto& t : d.timings) timings[t.stage] = t.millis;
    documents.push_back(json::object{{"source", d.source},
                                     {"json", d.json_path},
                                     {"type", d.type},
                                     {"pages", d.pages},
                                     {"words", d.words},
                                     {"fields", std::move(fields)},
                                     {"timings", std::move(timings)},
                                     {"wall_ms", d.millis}});
  }
  for (const auto& f : s.failures) failures.push_back(json::object{{"source", f.source}, {"error", f.message}});
  fmt::print("{}\n", toJson(json::object{{"read", s.documents.size()},
                                         {"skipped", s.skipped},
                                         {"failed", std::move(failures)},
                                         {"stopped", s.stopped},
                                         {"wall_ms", s.wall_millis},
                                         {"db", db},
                                         {"documents", std::move(documents)}}));
}

void printDocument(const DocumentSummary& d) {
  fmt::print("{}: {}{}, {}, {}{} -> {}\n", d.source, d.type.empty() ? "" : d.type + ", ", plural(d.pages, "page"),
             plural(d.lines, "line"), plural(d.words, "word"), d.tables > 0 ? ", " + plural(d.tables, "table") : "",
             d.json_path);
  for (size_t i = 0; i < std::min(kMaxFields, d.fields.size()); ++i) {
    fmt::print("  {:<15} {}\n", d.fields[i].first, d.fields[i].second);
  }
}

}  // namespace

void closeTimings(std::vector<reader::StageTiming>& timings, double millis) {
  for (const auto& t : timings) millis -= t.millis;
  timings.push_back({millis < 0 ? "overlap" : "other", millis});
}

DocumentSummary summarize(const reader::Document& document, const InputFile& file, const std::filesystem::path& out,
                          double millis) {
  DocumentSummary d;
  d.source = printable(file.path.string());
  d.json_path = (out / (file.name + ".json")).string();
  d.type = document.type;
  d.pages = document.pages.size();
  for (const auto& p : document.pages) {
    d.lines += p.lines.size();
    d.words += p.words.size();
    d.tables += p.tables.size();
  }
  for (const auto& f : document.fields) d.fields.emplace_back(f.name, f.value);
  auto timings = document.timings;
  closeTimings(timings, millis);
  for (const auto& t : timings) {
    const auto same =
        std::find_if(d.timings.begin(), d.timings.end(), [&](const auto& x) { return x.stage == t.stage; });
    if (same == d.timings.end()) {
      d.timings.push_back(t);
    } else {
      same->millis += t.millis;
    }
  }
  d.millis = millis;
  return d;
}

void printSummary(const Summary& s, const ReadJobOptions& options) {
  const std::string db = (options.db.empty() ? options.out / "documents.db" : options.db).string();
  if (options.json_summary) return printJson(s, db);
  for (size_t i = 0; i < std::min(kMaxLines, s.documents.size()); ++i) printDocument(s.documents[i]);
  if (s.documents.size() > kMaxLines) fmt::print("... and {} more\n", s.documents.size() - kMaxLines);
  std::string line = fmt::format("{} read", plural(s.documents.size(), "document"));
  if (s.skipped > 0) line += fmt::format(", {} done before (--force reads them again)", s.skipped);
  if (!s.failures.empty()) line += fmt::format(", {} not", s.failures.size());
  fmt::print("{} in {:.1f} s; database {}\n", line, s.wall_millis / 1000, db);
  if (s.stopped) {
    const size_t left = s.wanted - s.documents.size() - s.skipped;
    fmt::print("stopped with {} left; the same command goes on from here\n", plural(left, "document"));
  }
}

}  // namespace lectern::app
