#include <cmath>

#include "reader/output/json.h"

namespace lectern::reader {

namespace {

double rounded(double value, double steps = 1000) { return std::round(value * steps) / steps; }

json::array boxOf(const Box& b) { return {b.x0, b.y0, b.x1, b.y1}; }

json::array quadOf(const Quad& q) {
  json::array out;
  for (const auto& p : q) out.push_back(json::array{rounded(p.x, 10), rounded(p.y, 10)});
  return out;
}

/// Ids of the entities at the given indexes.
template <typename Entities>
json::array idsOf(const Entities& entities, const std::vector<int>& indexes) {
  json::array out;
  for (const int i : indexes) out.emplace_back(entities[static_cast<size_t>(i)].id);
  return out;
}

json::value idOrNull(const auto& entities, int index) {
  return index < 0 ? json::value(nullptr) : json::value(entities[static_cast<size_t>(index)].id);
}

json::value textOrNull(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }

const char* writingName(Writing writing) {
  switch (writing) {
    case Writing::kPrint:
      return "print";
    case Writing::kHand:
      return "hand";
    case Writing::kUnknown:
      break;
  }
  return "unknown";
}

const char* checksumName(Checksum c) {
  switch (c) {
    case Checksum::kOk:
      return "ok";
    case Checksum::kBad:
      return "bad";
    case Checksum::kNone:
      break;
  }
  return "none";
}

void addText(const Page& page, json::object& out) {
  json::array words, lines, blocks, sentences;
  for (const auto& w : page.words) {
    words.push_back(json::object{{"id", w.id},
                                 {"text", w.text},
                                 {"box", boxOf(w.box)},
                                 {"confidence", rounded(w.confidence)},
                                 {"line", idOrNull(page.lines, w.line)},
                                 {"writing", writingName(w.writing)}});
  }
  for (const auto& l : page.lines) {
    lines.push_back(json::object{{"id", l.id},
                                 {"text", l.text},
                                 {"box", boxOf(l.box)},
                                 {"quad", quadOf(l.quad)},
                                 {"words", idsOf(page.words, l.words)},
                                 {"block", idOrNull(page.blocks, l.block)}});
  }
  for (const auto& b : page.blocks) {
    blocks.push_back(json::object{{"id", b.id},
                                  {"text", b.text},
                                  {"box", boxOf(b.box)},
                                  {"lines", idsOf(page.lines, b.lines)},
                                  {"role", b.role}});
  }
  for (const auto& s : page.sentences) {
    sentences.push_back(json::object{{"id", s.id}, {"text", s.text}, {"words", idsOf(page.words, s.words)}});
  }
  out["words"] = std::move(words);
  out["lines"] = std::move(lines);
  out["blocks"] = std::move(blocks);
  out["sentences"] = std::move(sentences);
}

json::object tableToJson(const Page& page, const Table& t) {
  json::array cells;
  for (const auto& c : t.cells) {
    cells.push_back(json::object{{"row", c.row},
                                 {"col", c.col},
                                 {"row_span", c.row_span},
                                 {"col_span", c.col_span},
                                 {"text", c.text},
                                 {"box", boxOf(c.box)},
                                 {"words", idsOf(page.words, c.words)}});
  }
  return {{"id", t.id},     {"box", boxOf(t.box)},          {"rows", t.rows}, {"cols", t.cols},
          {"kind", t.kind}, {"header_rows", t.header_rows}, {"csv", t.csv},   {"cells", std::move(cells)}};
}

void addStructure(const Page& page, json::object& out) {
  json::array rules, frames, tables, values, key_values, relations;
  for (const auto& r : page.rules) {
    rules.push_back(
        json::object{{"id", r.id},
                     {"box", boxOf(r.box)},
                     {"orientation", r.orientation == Orientation::kVertical ? "vertical" : "horizontal"}});
  }
  for (const auto& f : page.frames) {
    frames.push_back(
        json::object{{"id", f.id}, {"box", boxOf(f.box)}, {"checkbox", f.checkbox}, {"checked", f.checked}});
  }
  for (const auto& t : page.tables) tables.push_back(tableToJson(page, t));
  for (const auto& v : page.values) {
    values.push_back(json::object{{"id", v.id},
                                  {"text", v.text},
                                  {"simple_type", v.simple_type},
                                  {"semantic_type", textOrNull(v.semantic_type)},
                                  {"normalized", textOrNull(v.normalized)},
                                  {"unit", textOrNull(v.unit)},
                                  {"currency", textOrNull(v.currency)},
                                  {"checksum", checksumName(v.checksum)},
                                  {"confidence", rounded(v.confidence)},
                                  {"words", idsOf(page.words, v.words)}});
  }
  for (const auto& k : page.key_values) {
    key_values.push_back(json::object{{"key", k.key},
                                      {"value", k.value},
                                      {"key_words", idsOf(page.words, k.key_words)},
                                      {"value_words", idsOf(page.words, k.value_words)},
                                      {"confidence", rounded(k.confidence)}});
    if (k.section) key_values.back().as_object()["kind"] = "section";
  }
  for (const auto& r : page.relations) {
    relations.push_back(
        json::object{{"from", r.from}, {"to", r.to}, {"kind", r.kind}, {"distance", rounded(r.distance, 10)}});
  }
  out["rules"] = std::move(rules);
  out["boxes"] = std::move(frames);
  out["tables"] = std::move(tables);
  out["values"] = std::move(values);
  out["key_values"] = std::move(key_values);
  out["relations"] = std::move(relations);
}

}  // namespace

json::object pageToJson(const Page& page) {
  json::object out{{"page", page.number},
                   {"width", page.width},
                   {"height", page.height},
                   {"dpi", page.dpi},
                   {"rotation", page.rotation},
                   {"skew_degrees", rounded(page.skew_degrees, 100)},
                   {"text_layer", page.has_text_layer}};
  addText(page, out);
  addStructure(page, out);
  return out;
}

json::value documentToJson(const Document& d) {
  json::array pages;
  for (const auto& page : d.pages) pages.push_back(pageToJson(page));
  json::object fields, timings, models;
  for (const auto& f : d.fields) {
    json::array words;
    for (const auto& page : d.pages) {
      if (page.number == f.page) words = idsOf(page.words, f.words);
    }
    fields[f.name] = json::object{{"value", f.value},
                                  {"text", f.text},
                                  {"page", f.page},
                                  {"words", std::move(words)},
                                  {"confidence", rounded(f.confidence)}};
    if (!f.workflow.empty()) fields[f.name].as_object()["workflow"] = f.workflow;
  }
  for (const auto& t : d.timings) {
    const double sum = timings.contains(t.stage) ? timings.at(t.stage).as_double() : 0.0;
    timings[t.stage] = rounded(sum + t.millis, 10);
  }
  for (const auto& m : d.models) models[m.role] = json::object{{"name", m.name}, {"sha256", m.sha256}};
  json::object head{{"name", d.name},
                    {"sha256", d.sha256},
                    {"pages", d.pages.size()},
                    {"type", textOrNull(d.type)},
                    {"type_confidence", rounded(d.type_confidence)},
                    {"language", textOrNull(d.language)}};
  if (!d.layout.empty()) {
    head["template"] = d.layout;
    head["template_score"] = rounded(d.layout_score);
  }
  return json::object{{"document", std::move(head)},
                      {"pages", std::move(pages)},
                      {"fields", std::move(fields)},
                      {"timings", std::move(timings)},
                      {"models", std::move(models)}};
}

}  // namespace lectern::reader
