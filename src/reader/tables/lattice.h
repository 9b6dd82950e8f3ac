#pragma once
// Tables whose cells are drawn: crossing rules make a grid, missing pieces of rule make spans.

#include <optional>
#include <vector>

#include "reader/page/page.h"

namespace lectern::reader {

/// Rules that touch each other, directly or through others.
struct RuleGroup {
  Box box;
  std::vector<Box> horizontal;
  std::vector<Box> vertical;
};
std::vector<RuleGroup> ruleGroups(const Page& page, double text_height);

/// The table that a group draws; nothing when it has no two by two cells with text.
std::optional<Table> latticeTable(const Page& page, const RuleGroup& group, double text_height);

/// Indexes of the words whose centres stand in the box.
std::vector<int> wordsIn(const Page& page, const Box& box);

}  // namespace lectern::reader
