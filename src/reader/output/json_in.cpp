#include <map>

#include "reader/output/json.h"

namespace lectern::reader {

namespace {

Failure wrong(std::string_view what) { return fail(Code::kCorrupt, "document JSON: " + std::string(what)); }

const json::array& listOf(const json::object& object, std::string_view key) {
  static const json::array kNone;
  const auto* v = object.if_contains(key);
  return v != nullptr && v->is_array() ? v->get_array() : kNone;
}

const json::object& objectOf(const json::value& value) {
  static const json::object kNone;
  return value.is_object() ? value.get_object() : kNone;
}

Result<Box> boxIn(const json::object& object) {
  const json::array& a = listOf(object, "box");
  if (a.size() != 4) return wrong("a box needs four numbers");
  int v[4];
  for (size_t i = 0; i < 4; ++i) {
    json::error_code ec;
    v[i] = a[i].is_number() ? a[i].to_number<int>(ec) : 0;
    if (!a[i].is_number() || ec) return wrong("a box needs four numbers");
  }
  return Box{v[0], v[1], v[2], v[3]};
}

Quad quadIn(const json::object& object, const Box& box) {
  const json::array& a = listOf(object, "quad");
  if (a.size() != 4) return quadOf(box);
  Quad quad;
  for (size_t i = 0; i < 4; ++i) {
    if (!a[i].is_array() || a[i].get_array().size() != 2) return quadOf(box);
    const auto& p = a[i].get_array();
    json::error_code ec;
    quad[i] = {static_cast<float>(p[0].to_number<double>(ec)), static_cast<float>(p[1].to_number<double>(ec))};
  }
  return quad;
}

using Index = std::map<std::string, int, std::less<>>;

/// Reads a list of ids into indexes.
Result<std::vector<int>> indexesIn(const json::object& object, std::string_view key, const Index& index) {
  std::vector<int> out;
  for (const auto& id : listOf(object, key)) {
    const auto it = id.is_string() ? index.find(std::string_view(id.get_string())) : index.end();
    if (it == index.end()) return wrong("an id in '" + std::string(key) + "' is not on the page");
    out.push_back(it->second);
  }
  return out;
}

struct PageReader {
  const json::object& in;
  Page page;
  Index words, lines, blocks;

  void number(std::string_view key, Index& index) {
    int i = 0;
    for (const auto& v : listOf(in, key)) index[stringOr(objectOf(v), "id", "")] = i++;
  }

  int find(const json::object& object, std::string_view key, const Index& index) {
    const auto it = index.find(stringOr(object, key, ""));
    return it == index.end() ? -1 : it->second;
  }

  Result<void> text() {
    number("words", words);
    number("lines", lines);
    number("blocks", blocks);
    for (const auto& v : listOf(in, "words")) {
      const auto& o = objectOf(v);
      Word w;
      w.id = stringOr(o, "id", "");
      w.text = stringOr(o, "text", "");
      TRY(w.box, boxIn(o));
      w.confidence = static_cast<float>(doubleOr(o, "confidence", 0));
      w.line = find(o, "line", lines);
      const std::string writing = stringOr(o, "writing", "");
      w.writing = writing == "hand" ? Writing::kHand : writing == "print" ? Writing::kPrint : Writing::kUnknown;
      page.words.push_back(std::move(w));
    }
    for (const auto& v : listOf(in, "lines")) {
      const auto& o = objectOf(v);
      Line l;
      l.id = stringOr(o, "id", "");
      l.text = stringOr(o, "text", "");
      TRY(l.box, boxIn(o));
      l.quad = quadIn(o, l.box);
      TRY(l.words, indexesIn(o, "words", words));
      l.block = find(o, "block", blocks);
      page.lines.push_back(std::move(l));
    }
    for (const auto& v : listOf(in, "blocks")) {
      const auto& o = objectOf(v);
      Block b;
      b.id = stringOr(o, "id", "");
      b.text = stringOr(o, "text", "");
      TRY(b.box, boxIn(o));
      TRY(b.lines, indexesIn(o, "lines", lines));
      b.role = stringOr(o, "role", "");
      page.blocks.push_back(std::move(b));
    }
    for (const auto& v : listOf(in, "sentences")) {
      const auto& o = objectOf(v);
      Sentence s{stringOr(o, "id", ""), stringOr(o, "text", ""), {}};
      TRY(s.words, indexesIn(o, "words", words));
      page.sentences.push_back(std::move(s));
    }
    return {};
  }

  Result<Table> table(const json::object& o) {
    Table t;
    t.id = stringOr(o, "id", "");
    TRY(t.box, boxIn(o));
    t.rows = static_cast<int>(intOr(o, "rows", 0));
    t.cols = static_cast<int>(intOr(o, "cols", 0));
    t.kind = stringOr(o, "kind", "");
    t.header_rows = static_cast<int>(intOr(o, "header_rows", 0));
    t.csv = stringOr(o, "csv", "");
    for (const auto& c : listOf(o, "cells")) {
      const auto& co = objectOf(c);
      Cell cell;
      cell.row = static_cast<int>(intOr(co, "row", 0));
      cell.col = static_cast<int>(intOr(co, "col", 0));
      cell.row_span = static_cast<int>(intOr(co, "row_span", 1));
      cell.col_span = static_cast<int>(intOr(co, "col_span", 1));
      cell.text = stringOr(co, "text", "");
      TRY(cell.box, boxIn(co));
      TRY(cell.words, indexesIn(co, "words", words));
      t.cells.push_back(std::move(cell));
    }
    return t;
  }

  Result<void> structure() {
    for (const auto& v : listOf(in, "rules")) {
      const auto& o = objectOf(v);
      Rule r;
      r.id = stringOr(o, "id", "");
      TRY(r.box, boxIn(o));
      const bool vertical = stringOr(o, "orientation", "") == "vertical";
      r.orientation = vertical ? Orientation::kVertical : Orientation::kHorizontal;
      page.rules.push_back(std::move(r));
    }
    for (const auto& v : listOf(in, "boxes")) {
      const auto& o = objectOf(v);
      Frame f;
      f.id = stringOr(o, "id", "");
      TRY(f.box, boxIn(o));
      f.checkbox = boolOr(o, "checkbox", false);
      f.checked = boolOr(o, "checked", false);
      page.frames.push_back(std::move(f));
    }
    for (const auto& v : listOf(in, "tables")) {
      TRY(auto t, table(objectOf(v)));
      page.tables.push_back(std::move(t));
    }
    return {};
  }

  Result<void> meaning() {
    for (const auto& v : listOf(in, "values")) {
      const auto& o = objectOf(v);
      Value value;
      value.id = stringOr(o, "id", "");
      value.text = stringOr(o, "text", "");
      value.simple_type = stringOr(o, "simple_type", "");
      value.semantic_type = stringOr(o, "semantic_type", "");
      value.normalized = stringOr(o, "normalized", "");
      value.unit = stringOr(o, "unit", "");
      value.currency = stringOr(o, "currency", "");
      const std::string checksum = stringOr(o, "checksum", "none");
      value.checksum = checksum == "ok" ? Checksum::kOk : checksum == "bad" ? Checksum::kBad : Checksum::kNone;
      value.confidence = static_cast<float>(doubleOr(o, "confidence", 0));
      TRY(value.words, indexesIn(o, "words", words));
      page.values.push_back(std::move(value));
    }
    for (const auto& v : listOf(in, "key_values")) {
      const auto& o = objectOf(v);
      KeyValue k{stringOr(o, "key", ""), stringOr(o, "value", ""), {}, {}, 0, stringOr(o, "kind", "") == "section"};
      TRY(k.key_words, indexesIn(o, "key_words", words));
      TRY(k.value_words, indexesIn(o, "value_words", words));
      k.confidence = static_cast<float>(doubleOr(o, "confidence", 0));
      page.key_values.push_back(std::move(k));
    }
    for (const auto& v : listOf(in, "relations")) {
      const auto& o = objectOf(v);
      page.relations.push_back(
          {stringOr(o, "from", ""), stringOr(o, "to", ""), stringOr(o, "kind", ""), doubleOr(o, "distance", 0)});
    }
    return {};
  }
};

}  // namespace

Result<Page> pageFromJson(const json::value& value) {
  if (!value.is_object()) return wrong("a page is no object");
  PageReader reader{value.get_object(), {}, {}, {}, {}};
  Page& page = reader.page;
  page.number = static_cast<int>(intOr(reader.in, "page", 1));
  page.width = static_cast<int>(intOr(reader.in, "width", 0));
  page.height = static_cast<int>(intOr(reader.in, "height", 0));
  page.dpi = static_cast<int>(intOr(reader.in, "dpi", 0));
  page.rotation = static_cast<int>(intOr(reader.in, "rotation", 0));
  page.skew_degrees = doubleOr(reader.in, "skew_degrees", 0);
  page.has_text_layer = boolOr(reader.in, "text_layer", false);
  TRY_VOID(reader.text());
  TRY_VOID(reader.structure());
  TRY_VOID(reader.meaning());
  return std::move(reader.page);
}

Result<std::vector<Word>> wordsFromJson(const json::value& value) {
  if (!value.is_array()) return wrong("words are no list");
  std::vector<Word> words;
  for (const auto& v : value.get_array()) {
    const auto& o = objectOf(v);
    Word word;
    word.text = stringOr(o, "text", "");
    TRY(word.box, boxIn(o));
    word.confidence = 1;
    if (!word.text.empty()) words.push_back(std::move(word));
  }
  return words;
}

Result<Document> documentFromJson(const json::value& value) {
  if (!value.is_object()) return wrong("it is no object");
  const auto& in = value.get_object();
  Document d;
  if (const auto* head = in.if_contains("document"); head != nullptr) {
    const auto& o = objectOf(*head);
    d.name = stringOr(o, "name", "");
    d.sha256 = stringOr(o, "sha256", "");
    d.type = stringOr(o, "type", "");
    d.type_confidence = static_cast<float>(doubleOr(o, "type_confidence", 0));
    d.language = stringOr(o, "language", "");
    d.layout = stringOr(o, "template", "");
    d.layout_score = static_cast<float>(doubleOr(o, "template_score", 0));
  }
  for (const auto& p : listOf(in, "pages")) {
    TRY(auto page, pageFromJson(p));
    d.pages.push_back(std::move(page));
  }
  if (const auto* fields = in.if_contains("fields"); fields != nullptr) {
    for (const auto& [name, v] : objectOf(*fields)) {
      const auto& o = objectOf(v);
      Field f{name, stringOr(o, "value", ""), stringOr(o, "text", ""), static_cast<int>(intOr(o, "page", 1)), {}, 0};
      f.confidence = static_cast<float>(doubleOr(o, "confidence", 0));
      f.workflow = stringOr(o, "workflow", "");
      for (const auto& page : d.pages) {
        if (page.number != f.page) continue;
        Index words;
        for (size_t i = 0; i < page.words.size(); ++i) words[page.words[i].id] = static_cast<int>(i);
        TRY(f.words, indexesIn(o, "words", words));
      }
      d.fields.push_back(std::move(f));
    }
  }
  if (const auto* timings = in.if_contains("timings"); timings != nullptr) {
    for (const auto& [stage, millis] : objectOf(*timings)) {
      json::error_code ec;
      d.timings.push_back({stage, millis.is_number() ? millis.to_number<double>(ec) : 0});
    }
  }
  if (const auto* models = in.if_contains("models"); models != nullptr) {
    for (const auto& [role, v] : objectOf(*models)) {
      d.models.push_back({role, stringOr(objectOf(v), "name", ""), stringOr(objectOf(v), "sha256", "")});
    }
  }
  return d;
}

}  // namespace lectern::reader
