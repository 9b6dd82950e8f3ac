#include "functions/read/reading.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/scratch.h"
#include "functions/or_throw.h"
#include "reader/analyse.h"
#include "reader/image/decode.h"
#include "reader/output/json.h"
#include "reader/output/output.h"
#include "reader/store/store.h"
#include "reader/workflow/workflow.h"
#include "sdk/lectern.h"

namespace lectern::functions {

namespace {

namespace fs = std::filesystem;

/// A page that the pdf function has rendered.
struct Rendered {
  fs::path image, text;
  int number = 1;
  json::value words = nullptr;  // or: what the file `text` would hold
};

struct Job {
  fs::path file;
  std::string name;
  std::vector<Rendered> pages;  // empty: the file's own pages
  fs::path output, database;
  std::shared_ptr<TempDir> folder = {};  // of what the event itself carried
};

/// A document's name becomes file names, so it is one plain component.
std::string nameOf(const std::string& wanted, const fs::path& file) {
  const std::string name = wanted.empty() ? file.filename().string() : wanted;
  if (name.empty() || name[0] == '.' || name.size() > 200 || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    throw FunctionError("Request.Invalid", "'" + name + "' is no document name; give \"name\" without folders");
  }
  return name;
}

/// What the event carries as base64 under `key`, as a file in the job's own folder; "" when it carries none.
fs::path carried(const json::object& event, const char* key, const std::string& name, Job& job) {
  const std::string text = stringOr(event, key, "");
  if (text.empty()) return {};
  const std::string bytes = orThrow(base64Decode(text), "Request.Invalid");
  if (!job.folder) job.folder = std::make_shared<TempDir>(orThrow(TempDir::create("lectern-read-"), "Image.Unreadable"));
  const fs::path path = job.folder->path() / name;
  if (auto written = writeScratch(path, bytes); !written) {
    throw FunctionError("Image.Unreadable", written.error().message);
  }
  return path;
}

Job jobFromRecord(const json::value& record, const Places& places) {
  const json::object* seen = record.is_object() ? &record.get_object() : nullptr;
  const json::value* at = seen != nullptr ? seen->if_contains("lectern") : nullptr;
  const std::string path = at != nullptr && at->is_object() ? stringOr(at->get_object(), "path", "") : "";
  if (path.empty()) {
    throw FunctionError("Request.Invalid",
                        "the record has no \"lectern\".\"path\"; mount the watched folder into the function");
  }
  return {path, nameOf("", path), {}, places.output, places.database};
}

std::vector<Job> jobsOf(const std::string& text, const Places& places) {
  const auto value = orThrow(parseJson(text), "Request.Invalid");
  if (!value.is_object()) throw FunctionError("Request.Invalid", "the event is no JSON object");
  const auto& event = value.get_object();
  std::vector<Job> jobs;
  if (const auto* records = event.if_contains("Records"); records != nullptr && records->is_array()) {
    for (const auto& record : records->get_array()) jobs.push_back(jobFromRecord(record, places));
    return jobs;
  }
  Job job{stringOr(event, "file", ""), "", {}, stringOr(event, "output", places.output.string()),
          stringOr(event, "database", places.database.string())};
  if (job.file.empty()) {
    job.name = nameOf(stringOr(event, "name", "image"), "");
    job.file = carried(event, "file_base64", job.name, job);
  }
  if (job.file.empty()) {
    throw FunctionError("Request.Invalid", "the event needs \"file\", \"file_base64\" or \"Records\"");
  }
  job.name = nameOf(stringOr(event, "name", ""), job.file);
  if (const auto* pages = event.if_contains("rendered"); pages != nullptr && pages->is_array()) {
    for (const auto& page : pages->get_array()) {
      if (!page.is_object()) throw FunctionError("Request.Invalid", "\"rendered\" is a list of objects");
      const auto& p = page.get_object();
      Rendered one{stringOr(p, "image", ""), stringOr(p, "text", ""), static_cast<int>(intOr(p, "page", 1))};
      if (one.image.empty()) one.image = carried(p, "image_base64", fmt::format("{}.page-{}", job.name, job.pages.size()), job);
      if (const auto* words = p.if_contains("words"); words != nullptr) one.words = *words;
      job.pages.push_back(std::move(one));
    }
  }
  jobs.push_back(std::move(job));
  return jobs;
}

void addPage(reader::Document& document, const reader::ImageFile& file, int index, const Rendered& page,
             const Engine& engine) {
  const auto image = orThrow(file.page(index), "Image.Unreadable");
  std::optional<std::vector<reader::Word>> words;
  if (!page.text.empty()) {
    const auto json =
        orThrow(parseJson(orThrow(readFile(page.text, mebibytes(64)), "Request.Invalid")), "Request.Invalid");
    words = orThrow(reader::wordsFromJson(json), "Request.Invalid");
  } else if (!page.words.is_null()) {
    words = orThrow(reader::wordsFromJson(page.words), "Request.Invalid");
  }
  document.pages.push_back(
      orThrow(engine.page(image, page.number, std::move(words), document.timings), "Image.Unreadable"));
}

reader::Document readDocument(const Job& job, const std::string& sha256, const Engine& engine) {
  reader::Document document;
  document.name = job.name;
  document.sha256 = sha256;
  document.models = engine.models;
  for (const auto& page : job.pages) {
    const auto file = orThrow(reader::ImageFile::open(page.image), "Image.Unreadable");
    addPage(document, *file, 1, page, engine);
  }
  if (job.pages.empty()) {
    const auto file = orThrow(reader::ImageFile::open(job.file), "Image.Unreadable");
    for (int n = 1; n <= file->pages(); ++n) addPage(document, *file, n, {{}, {}, n}, engine);
  }
  reader::finishDocument(document);
  reader::nameTables(document, job.name);
  return document;
}

json::object summary(const reader::Document& document) {
  size_t words = 0;
  for (const auto& page : document.pages) words += page.words.size();
  json::object fields;
  for (const auto& f : document.fields) fields[f.name] = f.value;
  return {{"type", document.type}, {"pages", document.pages.size()}, {"words", words}, {"fields", std::move(fields)}};
}

/// Told before a page is read for nothing; the database's own message does not say why it cannot be opened.
void needWritable(const fs::path& folder, const char* type) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error && access(folder.c_str(), W_OK) != 0) error.assign(errno, std::generic_category());
  if (error) {
    throw FunctionError(type, fmt::format("{}: {}; results need a folder that the function can write", folder.string(),
                                          error.message()));
  }
}

json::object readJob(const Job& job, const Engine& engine) {
  const std::string sha256 = orThrow(sha256HexOfFile(job.file), "Image.Unreadable");
  std::unique_ptr<reader::Store> store;
  json::object out{{"name", job.name}, {"sha256", sha256}, {"status", "read"}};
  if (!job.output.empty()) needWritable(job.output, "Output.Failed");
  if (!job.database.empty()) {
    needWritable(fs::absolute(job.database).parent_path(), "Database.Failed");
    store = orThrow(reader::Store::open(job.database), "Database.Failed");
    if (orThrow(store->has(job.name, sha256), "Database.Failed")) {
      out["status"] = "known";
      return out;
    }
  }
  reader::Document document = readDocument(job, sha256, engine);
  if (store) {
    const RealClock clock;
    const auto workflows = orThrow(reader::Workflows::load(*store), "Database.Failed");
    if (auto applied = workflows.apply(document, clock); !applied)
      throw FunctionError("Database.Failed", applied.error().message);
  }
  for (auto& [key, value] : summary(document)) out[key] = std::move(value);
  if (!job.output.empty()) {
    orThrow(reader::writeOutputs(document, job.name, {"json", "csv"}, job.output), "Output.Failed");
    out["output"] = (job.output / (job.name + ".json")).string();
  }
  // Last, since an entry in the database is what a repeated event is told by.
  if (store) {
    if (auto put = store->put(document); !put) throw FunctionError("Database.Failed", put.error().message);
    out["database"] = job.database.string();
  }
  if (job.output.empty() && !store) out["document"] = reader::documentToJson(document);
  return out;
}

}  // namespace

std::string readFiles(const std::string& event, const Places& places, const Engine& engine) {
  json::array documents;
  std::optional<FunctionError> failed;
  for (const auto& job : jobsOf(event, places)) {
    try {
      documents.push_back(readJob(job, engine));
    } catch (const FunctionError& e) {
      if (!failed) failed = FunctionError(e.type(), job.name + ": " + e.what());
    }
  }
  if (failed) throw *failed;
  return toJson(json::object{{"documents", std::move(documents)}});
}

}  // namespace lectern::functions
