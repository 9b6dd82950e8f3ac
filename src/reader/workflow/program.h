#pragma once
// Programs that find a value on a page: where to start, where to go, what to take. Written as one line of steps:
//   find "invoice no" first | right | typed invoice
//   row 0 | all
//   place 0.610 0.120 0.850 0.150 | shape \d{2}/\d{2}/\d{4}

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "reader/workflow/view.h"

namespace lectern::reader {

struct Start {
  enum class Kind {
    kPhrase,  // words that read like `text`
    kTyped,   // the index-th value of type `text`; from the end when negative
    kRow,     // the index-th row of the first page; from the end when negative
    kPlace,   // words whose middle lies in `place` of page `index`, in shares of what is printed there
  };
  Kind kind = Kind::kPhrase;
  std::string text;
  int index = 0;  // of phrases: 0 the first, -1 the last
  std::array<double, 4> place{};
  bool operator==(const Start&) const = default;
};

enum class Move { kRight, kLeft, kBelow, kAbove, kRow, kBlock };

struct Take {
  enum class Kind {
    kAll,    // without punctuation around
    kTyped,  // the first value of type `text`
    kLast,   // the last value of type `text`
    kWord,   // the index-th word; from the end when negative
    kShape,  // the first match of the pattern `text`
    kAfter,  // what stands behind the first colon
  };
  Kind kind = Kind::kAll;
  std::string text;
  int index = 0;
  bool operator==(const Take&) const = default;
};

struct Program {
  Start start;
  std::vector<Move> moves;
  Take take;
  bool operator==(const Program&) const = default;
};

/// What a program found.
struct Finding {
  std::string text;
  std::string normalized;  // of the value that it is; else the text
  Span span;
};

std::string programToText(const Program& program);
/// kInvalid names the step that is none.
Result<Program> programFromText(const std::string& text);

std::vector<Span> startsOf(const View& view, const Start& start);
Span moved(const View& view, const Span& from, Move move);
std::optional<Finding> taken(const View& view, const Span& from, const Take& take);

/// Runs the program; the first start that leads to something counts.
std::optional<Finding> runProgram(const View& view, const Program& program);

/// What values of this type are called in programs: its semantic type, else its simple one.
const std::string& typeName(const Value& value);
/// Where the words of a page stand, as one box.
Box printedBox(const Page& page);

}  // namespace lectern::reader
