#pragma once
// What people teach once and the reader does from then on: templates, and workflows that fill a field of every
// document of a template. A workflow is a set of programs that vote, a question, or a SELECT.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "reader/page/page.h"
#include "reader/store/store.h"

namespace lectern::reader {

/// The template whose workflows are for every document.
inline constexpr const char* kEveryDocument = "*";

/// A value pointed at once.
struct TeachRequest {
  std::string document;
  std::string field;
  std::string text;        // the value as printed, or
  std::optional<Box> box;  // where it stands on page `page`
  int page = 1;
  std::string layout;  // template to teach; empty: the document's own, else a new one of the document's name
};

struct Taught {
  std::string layout;
  bool fresh = false;  // the template is new
  std::string value;   // what the programs find in this document
  double confidence = 0;
  size_t examples = 0;  // of this field, this one included
  std::vector<std::string> programs;
};

/// Synthesises programs from this and earlier examples of the field and stores them in place of the field's old ones.
/// kNotFound: no such document, or the value does not stand there; kInvalid: a bad field name, or no program finds it.
Result<Taught> teach(Store& store, const TeachRequest& request);

/// Stores a question or a SELECT (kind "question" or "sql"; ?1 is the document's name) as a field's workflow. Returns
/// the template's name.
Result<std::string> saveWorkflow(Store& store, const std::string& document, const std::string& field,
                                 const std::string& kind, const std::string& body, const std::string& layout = "");

struct WorkflowLine {
  std::string layout, field, kind, body;
  double weight = 0;
};
Result<std::vector<WorkflowLine>> listWorkflows(Store& store);
/// Removes a field's workflow, or with an empty field the template. kNotFound when there is none.
Result<void> forget(Store& store, const std::string& layout, const std::string& field);

/// All templates and workflows of a database, ready to run; safe for many threads.
class Workflows {
 public:
  static Result<Workflows> load(Store& store);
  bool empty() const { return parts_ == nullptr; }
  /// Says which template the document has, and sets the fields of its workflows: they replace those of the reader's
  /// own rules. What cannot be answered stays as it is.
  Result<void> apply(Document& document, const Clock& clock) const;

 private:
  struct Parts;
  std::shared_ptr<const Parts> parts_;
  friend Result<size_t> runWorkflows(Store& store, const std::string& document, const Clock& clock);
};

/// Runs all workflows over the documents that are in the database (over one when it is named): templates and fields
/// are renewed. Returns the number of documents.
Result<size_t> runWorkflows(Store& store, const std::string& document, const Clock& clock);

}  // namespace lectern::reader
