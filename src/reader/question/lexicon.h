#pragma once
// Words of questions: names of fields, directions, types, and how alike two texts are.

#include <optional>
#include <string>
#include <vector>

namespace lectern::reader {

/// Lower case, letters and digits (all beyond ASCII kept), single spaces.
std::string plainText(const std::string& text);
std::vector<std::string> tokensOf(const std::string& plain);

/// 0..1 by edit distance over the longer length; confusions of recognition (0 and o, 1 and l, 5 and s, ...) cost
/// little.
double likeness(const std::string& a, const std::string& b);

/// The field a question asks for: the name in the database, with the words that said so.
struct FieldAsked {
  std::string name;
  bool exact = false;  // nothing but the field's words, question words and kinds of documents stand in the question
};
std::optional<FieldAsked> fieldAsked(const std::string& plain);

/// The question without question words and fillers: what it is about.
std::string subjectOf(const std::string& plain);

/// Texts between quotation marks.
std::vector<std::string> quoted(const std::string& question);

/// yyyy-mm, yyyy or yyyy-mm-dd that the question names, as the beginning of an ISO date.
std::string dateAsked(const std::string& plain);

}  // namespace lectern::reader
