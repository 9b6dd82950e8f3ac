#include <algorithm>
#include <cmath>

#include "reader/relations/finders.h"
#include "reader/relations/labels.h"

namespace lectern::reader {

namespace {

/// The text up to and with its legal form; empty when it has none.
std::string nameWithForm(const std::string& text) {
  static const RE2 form(
      "(?i)^(.*?(?:gmbh(?: ?& ?co\\.? ?kg)?|\\bag\\b|\\bkg\\b|\\bltd\\b\\.?|limited|\\binc\\b\\.?|\\bllc\\b|b\\.v\\.|"
      "\\bsarl\\b|\\bsas?\\b|s\\.a\\.|\\bplc\\b|sdn\\.? ?bhd\\.?|\\ba\\.g\\.|\\be\\.? ?k\\.|\\bohg\\b|\\bs\\.r\\.l\\.|"
      "\\bcorp\\b\\.?))(?:\\W|$)");
  std::string name;
  if (!RE2::PartialMatch(text, form, &name)) return "";
  static const RE2 lead("^.*[:|] ?");
  RE2::Replace(&name, lead, "");
  // In a sentence the name is what begins with capitals.
  static const RE2 sentence("^.*\\s[a-z]{2,}\\s(?:.*\\s)?([A-Z].*)$");
  std::string tail;
  if (name.size() > 30 && RE2::FullMatch(name, sentence, &tail)) name = tail;
  const auto letters =
      std::count_if(name.begin(), name.end(), [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; });
  const bool begins = !name.empty() && (name[0] < '0' || name[0] > '9');
  return name.size() > 60 || letters < 6 || !begins ? "" : name;
}

Field sellerField(const Scene& scene, const Segment& segment, const std::string& name, float confidence) {
  Field f;
  f.name = "seller";
  f.value = name;
  f.text = textOf(scene.page, segment.words);
  f.page = scene.page.number;
  f.words = segment.words;
  f.confidence = confidence;
  return f;
}

/// The first name in the rows below a label: with a legal form, or behind "Name:".
std::optional<Field> nameBelow(const Scene& scene, size_t r, const Box& label) {
  for (size_t down = 1; down <= 6 && r + down < scene.rows.size(); ++down) {
    const auto& all = scene.rows[r + down].segments;
    for (const auto& s : all) {
      const std::string name = nameWithForm(textOf(scene.page, s.words));
      if (!name.empty() && std::abs(s.box.x0 - label.x0) < 3 * scene.em) return sellerField(scene, s, name, 0.8f);
    }
    if (all.size() > 1 && lowered(textOf(scene.page, all[0].words)) == "name:") {
      return sellerField(scene, all[1], textOf(scene.page, all[1].words), 0.75f);
    }
  }
  return std::nullopt;
}

std::optional<Field> labelledSeller(const Scene& scene) {
  for (size_t r = 0; r + 1 < scene.rows.size(); ++r) {
    for (const auto& label : scene.rows[r].segments) {
      if (label.words.size() > 2 || !has(lowered(textOf(scene.page, label.words)), labels().seller)) continue;
      if (auto found = nameBelow(scene, r, label.box)) return found;
    }
  }
  return std::nullopt;
}

struct Name {
  std::string name;
  double score = 0;
  const Segment* first = nullptr;
};

}  // namespace

std::optional<Field> findSeller(const Scene& scene) {
  if (auto labelled = labelledSeller(scene)) return labelled;
  std::vector<Name> names;
  for (const auto& row : scene.rows) {
    const double at = row.box.centerY() / std::max(1, scene.page.height);
    for (const auto& s : row.segments) {
      const std::string name = nameWithForm(textOf(scene.page, s.words));
      if (name.size() < 4) continue;
      Name* known = nullptr;
      for (auto& n : names) {
        if (lowered(n.name) == lowered(name)) known = &n;
      }
      if (known == nullptr) {
        names.push_back({name, 0, &s});
        known = &names.back();
      }
      known->score += 1 + (at < 0.12 || at > 0.85 ? 1.5 : 0);
    }
  }
  const Name* best = nullptr;
  for (const auto& n : names) {
    if (best == nullptr || n.score > best->score) best = &n;
  }
  if (best != nullptr) return sellerField(scene, *best->first, best->name, best->score > 3 ? 0.8f : 0.5f);
  auto company = findCompany(scene);
  if (!company) return std::nullopt;
  company->field.name = "seller";
  return company->field;
}

}  // namespace lectern::reader
