#pragma once
// Remembers which documents of an output folder are done, and which pages of those whose reading was stopped: a second run
// goes on where the first one ended.

#include <filesystem>
#include <string>

#include "reader/page/page.h"

namespace lectern::app {

class DoneMarks {
 public:
  /// `settings` is everything that changes the result (models, language, pages, formats): a mark counts only under
  /// equal settings.
  DoneMarks(std::filesystem::path out, std::string settings) : out_(std::move(out)), settings_(std::move(settings)) {}

  bool isDone(const std::string& name, const std::string& file_sha256) const;
  /// Called after all outputs of the document are written. A mark that cannot be written only costs a second reading.
  void markDone(const std::string& name, const std::string& file_sha256) const;

  /// Keeps the pages of a document that was not read to its end. What cannot be written only costs a second reading.
  void keepPages(reader::Document document) const;
  /// The pages that were kept of this file, with their models; none when there are none.
  reader::Document keptPages(const std::string& name, const std::string& file_sha256) const;

 private:
  std::filesystem::path pagesPath(const std::string& name) const { return out_ / ".lectern" / (name + ".pages"); }
  std::filesystem::path markPath(const std::string& name) const { return out_ / ".lectern" / (name + ".done"); }
  std::string key(const std::string& file_sha256) const;
  std::filesystem::path out_;
  std::string settings_;
};

}  // namespace lectern::app
