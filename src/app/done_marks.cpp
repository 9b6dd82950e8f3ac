#include "app/done_marks.h"

#include "base/files.h"
#include "base/hash.h"

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
}

}  // namespace lectern::app
