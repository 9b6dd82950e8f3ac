#include "app/done_marks.h"

#include "base/files.h"
#include "base/hash.h"
#include "reader/output/output.h"

namespace lectern::app {

std::string DoneMarks::key(const std::string& file_sha256) const { return sha256Hex(file_sha256 + "\n" + settings_); }

bool DoneMarks::isDone(const std::string& name, const std::string& file_sha256) const {
  std::error_code ec;
  if (!std::filesystem::exists(out_ / (name + ".json"), ec)) return false;
  const auto mark = readFile(markPath(name), kibibytes(1));
  return mark && *mark == key(file_sha256);
}

void DoneMarks::markDone(const std::string& name, const std::string& file_sha256) const {
  std::error_code ec;
  std::filesystem::create_directories(out_ / ".lectern", ec);
  [[maybe_unused]] const auto written = writeFileAtomic(markPath(name), key(file_sha256));
  std::filesystem::remove(pagesPath(name), ec);
}

void DoneMarks::keepPages(reader::Document document) const {
  std::error_code ec;
  std::filesystem::create_directories(out_ / ".lectern", ec);
  document.timings.clear();  // of the run that ends
  reader::assignIds(document);
  [[maybe_unused]] const auto written = writeFileAtomic(
      pagesPath(document.name), key(document.sha256) + "\n" + reader::documentToText(document));
}

reader::Document DoneMarks::keptPages(const std::string& name, const std::string& file_sha256) const {
  const auto text = readFile(pagesPath(name));
  const std::string head = key(file_sha256) + "\n";
  if (!text || !text->starts_with(head)) return {};
  auto document = reader::documentFromText(text->substr(head.size()));
  return document ? std::move(*document) : reader::Document();
}

}  // namespace lectern::app
