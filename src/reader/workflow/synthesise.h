#pragma once
// Programs from examples: every program that walks from something on the page to the wanted value, kept when it also
// does so on disturbed copies of the example, weighed, and later voted over.

#include <optional>
#include <string>
#include <vector>

#include "reader/workflow/program.h"

namespace lectern::reader {

/// A document with the value that was pointed at. The text may stand in several places; each is a target.
struct Example {
  const Document* document = nullptr;
  std::vector<Span> targets;
};

/// Places of a page that read like `text` (spaces, case and punctuation set aside; one letter in eight may differ).
std::vector<Span> placesOfText(const Document& document, const std::string& text);
/// Words whose middle lies in the box of page number `page`; empty words when there are none.
Span placeOfBox(const Document& document, int page, const Box& box);

struct Weighted {
  Program program;
  double weight = 0;
};

/// At most 40 programs, the heaviest first. With several examples a program must serve more than half of them.
std::vector<Weighted> synthesise(const std::vector<Example>& examples);

struct Elected {
  Finding finding;
  double confidence = 0;  // share of all weights that voted for it
};
/// The value that most weight votes for; nothing when less than a quarter agrees.
std::optional<Elected> vote(const View& view, const std::vector<Weighted>& programs);

}  // namespace lectern::reader
