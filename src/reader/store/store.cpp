#include "reader/store/store.h"

#include <algorithm>
#include <map>

#include "base/json.h"
#include "reader/store/database.h"
#include "reader/store/schema.h"

namespace lectern::reader {

namespace {

std::string normalized(const std::string& text) {
  std::string out = text;
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// Inserts one document; statements are prepared once and used for every row.
class Writer {
 public:
  explicit Writer(Database& database) : database_(database) {}

  Result<void> write(const Document& d);
  /// Puts `d.fields` to the document that is in already.
  Result<void> renewFields(const Document& d, int64_t document_id);

 private:
  Result<Statement*> statement(const char* sql) {
    auto it = statements_.find(sql);
    if (it == statements_.end()) {
      TRY(auto prepared, database_.prepare(sql));
      it = statements_.emplace(sql, std::move(prepared)).first;
    }
    return &it->second;
  }
  Result<int64_t> entity(const char* kind, const std::string& id, const Box& box, double confidence);
  Result<void> searchable(int64_t id, const std::string& text);
  Result<void> page(const Page& page, int64_t document_id);
  Result<void> blocksLinesWords(const Page& page);
  Result<void> shapes(const Page& page);
  Result<void> table(const Table& table);
  Result<void> values(const Page& page);
  Result<void> pairsAndRelations(const Page& page);
  Result<void> fields(const Document& d, int64_t document_id);

  Database& database_;
  std::map<const char*, Statement> statements_;
  int64_t page_id_ = 0;
  std::map<int, int64_t> page_ids_;  // by page number
  int order_ = 0;
  std::map<std::string, int64_t, std::less<>> ids_;  // entity ids of the document by name
};

Result<int64_t> Writer::entity(const char* kind, const std::string& id, const Box& box, double confidence) {
  TRY(auto* insert,
      statement("INSERT INTO entity(page_id,kind,name,x0,y0,x1,y1,confidence,z_order) VALUES(?,?,?,?,?,?,?,?,?)"));
  insert->bind(1, page_id_)
      .bind(2, std::string_view(kind))
      .bind(3, id)
      .bind(4, box.x0)
      .bind(5, box.y0)
      .bind(6, box.x1);
  insert->bind(7, box.y1).bind(8, confidence).bind(9, order_++);
  TRY_VOID(insert->run());
  const int64_t row = database_.lastId();
  if (!box.empty()) {
    TRY(auto* place, statement("INSERT INTO place(id,x0,x1,y0,y1) VALUES(?,?,?,?,?)"));
    place->bind(1, row).bind(2, box.x0).bind(3, box.x1).bind(4, box.y0).bind(5, box.y1);
    TRY_VOID(place->run());
  }
  ids_[id] = row;
  return row;
}

Result<void> Writer::searchable(int64_t id, const std::string& text) {
  TRY(auto* insert, statement("INSERT INTO text_search(rowid,text) VALUES(?,?)"));
  insert->bind(1, id).bind(2, text);
  return insert->run();
}

Result<void> Writer::blocksLinesWords(const Page& page) {
  for (size_t b = 0; b < page.blocks.size(); ++b) {
    const Block& block = page.blocks[b];
    TRY(const int64_t id, entity("block", block.id, block.box, 1));
    TRY(auto* insert, statement("INSERT INTO block(id,seq_in_page,role,text) VALUES(?,?,?,?)"));
    insert->bind(1, id).bind(2, static_cast<int>(b)).bind(3, block.role).bind(4, block.text);
    TRY_VOID(insert->run());
  }
  for (const Line& line : page.lines) {
    TRY(const int64_t id, entity("line", line.id, line.box, 1));
    TRY(auto* insert, statement("INSERT INTO line(id,block_id,seq_in_block,text) VALUES(?,?,?,?)"));
    insert->bind(1, id);
    int seq = 0;
    if (line.block >= 0) {
      const Block& block = page.blocks[static_cast<size_t>(line.block)];
      insert->bind(2, ids_[block.id]);
      const auto index = static_cast<int>(&line - page.lines.data());
      seq = static_cast<int>(std::find(block.lines.begin(), block.lines.end(), index) - block.lines.begin());
    } else {
      insert->bindNull(2);
    }
    insert->bind(3, seq).bind(4, line.text);
    TRY_VOID(insert->run());
    TRY_VOID(searchable(id, line.text));
    for (size_t w = 0; w < line.words.size(); ++w) {
      const Word& word = page.words[static_cast<size_t>(line.words[w])];
      TRY(const int64_t word_id, entity("word", word.id, word.box, word.confidence));
      TRY(auto* put, statement("INSERT INTO word(id,line_id,seq_in_line,text,norm_text,writing) VALUES(?,?,?,?,?,?)"));
      put->bind(1, word_id).bind(2, id).bind(3, static_cast<int>(w)).bind(4, word.text).bind(5, normalized(word.text));
      if (word.writing == Writing::kUnknown)
        put->bindNull(6);
      else
        put->bind(6, word.writing == Writing::kHand ? "hand" : "print");
      TRY_VOID(put->run());
    }
  }
  return {};
}

Result<void> Writer::shapes(const Page& page) {
  for (size_t s = 0; s < page.sentences.size(); ++s) {
    TRY(const int64_t id, entity("sentence", page.sentences[s].id, {}, 1));
    TRY(auto* insert, statement("INSERT INTO sentence(id,seq,text) VALUES(?,?,?)"));
    TRY_VOID(insert->bind(1, id).bind(2, static_cast<int>(s)).bind(3, page.sentences[s].text).run());
  }
  for (const Rule& rule : page.rules) {
    TRY(const int64_t id, entity("rule", rule.id, rule.box, 1));
    TRY(auto* insert, statement("INSERT INTO rule(id,orientation) VALUES(?,?)"));
    TRY_VOID(insert->bind(1, id).bind(2, rule.orientation == Orientation::kVertical ? "v" : "h").run());
  }
  for (const Frame& frame : page.frames) {
    TRY(const int64_t id, entity("box", frame.id, frame.box, 1));
    TRY(auto* insert, statement("INSERT INTO box(id,is_checkbox,checked) VALUES(?,?,?)"));
    TRY_VOID(insert->bind(1, id).bind(2, frame.checkbox ? 1 : 0).bind(3, frame.checked ? 1 : 0).run());
  }
  for (const Table& t : page.tables) TRY_VOID(table(t));
  return {};
}

Result<void> Writer::table(const Table& t) {
  TRY(const int64_t id, entity("table", t.id, t.box, 1));
  TRY(auto* insert, statement("INSERT INTO table_(id,kind,n_rows,n_cols,header_rows,csv) VALUES(?,?,?,?,?,?)"));
  insert->bind(1, id).bind(2, t.kind).bind(3, t.rows).bind(4, t.cols).bind(5, t.header_rows).bind(6, t.csv);
  TRY_VOID(insert->run());
  for (size_t c = 0; c < t.cells.size(); ++c) {
    const Cell& cell = t.cells[c];
    TRY(const int64_t cell_id, entity("cell", t.id + "c" + std::to_string(c + 1), cell.box, 1));
    TRY(auto* put,
        statement("INSERT INTO cell(id,table_id,row,col,row_span,col_span,is_header,text) VALUES(?,?,?,?,?,?,?,?)"));
    put->bind(1, cell_id)
        .bind(2, id)
        .bind(3, cell.row)
        .bind(4, cell.col)
        .bind(5, cell.row_span)
        .bind(6, cell.col_span);
    put->bind(7, cell.row < t.header_rows ? 1 : 0).bind(8, cell.text);
    TRY_VOID(put->run());
  }
  return {};
}

Result<void> Writer::values(const Page& page) {
  for (const Value& v : page.values) {
    Box box;
    for (const int w : v.words) box = unite(box, page.words[static_cast<size_t>(w)].box);
    TRY(const int64_t id, entity("value", v.id, box, v.confidence));
    TRY(auto* insert,
        statement("INSERT INTO span(id,text,simple_type,semantic_type,normalized,unit,currency,checksum) "
                  "VALUES(?,?,?,?,?,?,?,?)"));
    insert->bind(1, id).bind(2, v.text).bind(3, v.simple_type).bind(4, v.semantic_type).bind(5, v.normalized);
    insert->bind(6, v.unit).bind(7, v.currency);
    insert->bind(8, v.checksum == Checksum::kOk ? "ok" : v.checksum == Checksum::kBad ? "bad" : "none");
    TRY_VOID(insert->run());
  }
  return {};
}

Result<void> Writer::pairsAndRelations(const Page& page) {
  const auto bindWord = [&](Statement& s, int at, const std::vector<int>& words) {
    if (words.empty()) {
      s.bindNull(at);
    } else {
      s.bind(at, ids_[page.words[static_cast<size_t>(words.front())].id]);
    }
  };
  for (const KeyValue& k : page.key_values) {
    if (k.section) continue;  // the label is no answer to what its heading is
    TRY(auto* insert, statement("INSERT INTO key_value(page_id,key,value,key_entity,value_entity,key_norm,confidence) "
                                "VALUES(?,?,?,?,?,?,?)"));
    insert->bind(1, page_id_).bind(2, k.key).bind(3, k.value).bind(6, normalized(k.key)).bind(7, k.confidence);
    bindWord(*insert, 4, k.key_words);
    bindWord(*insert, 5, k.value_words);
    if (k.value_words.size() > 1) {  // the place of the whole value, not of its first word
      Box box;
      for (const int w : k.value_words) box = unite(box, page.words[static_cast<size_t>(w)].box);
      TRY(const int64_t place, entity("value", "value of " + k.key, box, k.confidence));
      insert->bind(5, place);
    }
    TRY_VOID(insert->run());
  }
  for (const Relation& r : page.relations) {
    const auto a = ids_.find(r.from), b = ids_.find(r.to);
    if (a == ids_.end() || b == ids_.end()) continue;
    TRY(auto* insert, statement("INSERT OR IGNORE INTO relation(page_id,a,rel,b,distance) VALUES(?,?,?,?,?)"));
    insert->bind(1, page_id_).bind(2, a->second).bind(3, r.kind).bind(4, b->second).bind(5, r.distance);
    TRY_VOID(insert->run());
  }
  return {};
}

Result<void> Writer::page(const Page& p, int64_t document_id) {
  TRY(auto* insert,
      statement("INSERT INTO page(document_id,no,width_px,height_px,dpi,rotation,skew_degrees,is_blank,text_layer) "
                "VALUES(?,?,?,?,?,?,?,?,?)"));
  insert->bind(1, document_id).bind(2, p.number).bind(3, p.width).bind(4, p.height).bind(5, p.dpi).bind(6, p.rotation);
  insert->bind(7, p.skew_degrees).bind(8, p.words.empty() ? 1 : 0).bind(9, p.has_text_layer ? 1 : 0);
  TRY_VOID(insert->run());
  page_id_ = database_.lastId();
  page_ids_[p.number] = page_id_;
  TRY_VOID(blocksLinesWords(p));
  TRY_VOID(shapes(p));
  TRY_VOID(values(p));
  return pairsAndRelations(p);
}

Result<void> Writer::fields(const Document& d, int64_t document_id) {
  for (const Field& f : d.fields) {
    TRY(auto* insert, statement("INSERT INTO field(document_id,name,value,text,page_no,entity_id,confidence) "
                                "VALUES(?,?,?,?,?,?,?)"));
    insert->bind(1, document_id)
        .bind(2, f.name)
        .bind(3, f.value)
        .bind(4, f.text)
        .bind(5, f.page)
        .bind(7, f.confidence);
    insert->bindNull(6);
    const auto page = std::find_if(d.pages.begin(), d.pages.end(), [&](const Page& p) { return p.number == f.page; });
    if (page != d.pages.end() && !f.words.empty()) {
      Box box;
      for (const int w : f.words) box = unite(box, page->words[static_cast<size_t>(w)].box);
      page_id_ = page_ids_[f.page];
      TRY(const int64_t place, entity("value", "field " + f.name, box, f.confidence));
      insert->bind(6, place);
    }
    TRY_VOID(insert->run());
    if (f.workflow.empty()) continue;
    TRY(auto* found, statement("INSERT INTO extraction(document_id,field,kind,value,entity_id,confidence) "
                               "SELECT document_id,name,?2,value,entity_id,confidence FROM field WHERE id=?1"));
    TRY_VOID(found->bind(1, database_.lastId()).bind(2, f.workflow).run());
  }
  return {};
}

Result<void> Writer::write(const Document& d) {
  json::object models, timings;
  for (const auto& m : d.models) models[m.role] = m.name;
  for (const auto& t : d.timings) timings[t.stage] = t.millis;
  TRY(auto* insert,
      statement("INSERT INTO document(sha256,name,n_pages,type,type_confidence,language,models_json,timings_json,"
                "template_id,template_score) VALUES(?,?,?,?,?,?,?,?,(SELECT id FROM template WHERE name=?9),"
                "CASE WHEN ?9='' THEN NULL ELSE ?10 END)"));
  insert->bind(1, d.sha256).bind(2, d.name).bind(3, static_cast<int>(d.pages.size())).bind(4, d.type);
  insert->bind(5, d.type_confidence).bind(6, d.language).bind(7, toJson(models)).bind(8, toJson(timings));
  insert->bind(9, d.layout).bind(10, d.layout_score);
  TRY_VOID(insert->run());
  const int64_t id = database_.lastId();
  for (const Page& p : d.pages) TRY_VOID(page(p, id));
  return fields(d, id);
}

Result<void> Writer::renewFields(const Document& d, int64_t document_id) {
  TRY(auto* places, statement("DELETE FROM entity WHERE id IN (SELECT entity_id FROM field WHERE document_id=?)"));
  TRY_VOID(places->bind(1, document_id).run());
  TRY(auto* remove, statement("DELETE FROM field WHERE document_id=?1 AND (name=?2 OR "
                              "name IN (SELECT field FROM extraction WHERE document_id=?1))"));
  for (const Field& f : d.fields) TRY_VOID(remove->bind(1, document_id).bind(2, f.name).run());
  TRY(auto* forget, statement("DELETE FROM extraction WHERE document_id=?"));
  TRY_VOID(remove->bind(1, document_id).bind(2, "").run());
  TRY_VOID(forget->bind(1, document_id).run());
  TRY(auto pages, database_.prepare("SELECT no,id FROM page WHERE document_id=?"));
  pages.bind(1, document_id);
  while (true) {
    TRY(const bool more, pages.step());
    if (!more) break;
    page_ids_[static_cast<int>(pages.integer(0))] = pages.integer(1);
  }
  return fields(d, document_id);
}

}  // namespace

Store::Store(std::unique_ptr<Database> database) : database_(std::move(database)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& path) {
  TRY(auto database, Database::open(path, Database::Mode::kReadWrite));
  TRY_VOID(database.useWriteAheadLog());
  // NORMAL loses at most the last documents on a power cut, never consistency.
  TRY_VOID(database.execute("PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"));
  TRY_VOID(migrateSchema(database));
  return std::unique_ptr<Store>(new Store(std::make_unique<Database>(std::move(database))));
}

Result<void> Store::put(const Document& document) {
  TRY(auto transaction, Transaction::begin(*database_));
  TRY(auto remove, database_->prepare("DELETE FROM document WHERE name=?"));
  TRY_VOID(remove.bind(1, document.name).run());
  TRY_VOID(Writer(*database_).write(document));
  return transaction.commit();
}

Result<void> Store::putWorkflowFields(const Document& document) {
  TRY(auto transaction, Transaction::begin(*database_));
  TRY(auto update, database_->prepare("UPDATE document SET template_id=(SELECT id FROM template WHERE name=?2),"
                                      "template_score=CASE WHEN ?2='' THEN NULL ELSE ?3 END WHERE name=?1"));
  TRY_VOID(update.bind(1, document.name).bind(2, document.layout).bind(3, document.layout_score).run());
  TRY(auto select, database_->prepare("SELECT id FROM document WHERE name=?"));
  TRY(const bool found, select.bind(1, document.name).step());
  if (!found) return fail(Code::kNotFound, "there is no document '" + document.name + "' in the database");
  TRY_VOID(Writer(*database_).renewFields(document, select.integer(0)));
  return transaction.commit();
}

Result<bool> Store::has(const std::string& name, const std::string& sha256) {
  TRY(auto select, database_->prepare("SELECT 1 FROM document WHERE name=? AND sha256=?"));
  return select.bind(1, name).bind(2, sha256).step();
}

Result<std::vector<std::string>> Store::names() {
  TRY(auto select, database_->prepare("SELECT name FROM document ORDER BY name"));
  std::vector<std::string> names;
  while (true) {
    TRY(const bool row, select.step());
    if (!row) return names;
    names.push_back(select.text(0));
  }
}

}  // namespace lectern::reader
