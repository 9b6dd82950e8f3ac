#pragma once
// Remembers which documents of an output folder are done, so that a second run goes on where the first stopped.

#include <filesystem>
#include <string>

namespace lectern::app {

class DoneMarks {
 public:
  /// `settings` is everything that changes the result (models, language, pages, formats): a mark counts only under
  /// equal settings.
  DoneMarks(std::filesystem::path out, std::string settings) : out_(std::move(out)), settings_(std::move(settings)) {}

  bool isDone(const std::string& name, const std::string& file_sha256) const;
  /// Called after all outputs of the document are written. A mark that cannot be written only costs a second reading.
  void markDone(const std::string& name, const std::string& file_sha256) const;

 private:
  std::filesystem::path markPath(const std::string& name) const { return out_ / ".lectern" / (name + ".done"); }
  std::string key(const std::string& file_sha256) const;
  std::filesystem::path out_;
  std::string settings_;
};

}  // namespace lectern::app
