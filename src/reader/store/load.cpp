#include <map>

#include "reader/store/database.h"
#include "reader/store/store.h"

namespace lectern::reader {

namespace {

Box boxAt(const Statement& s, int column) {
  return {static_cast<int>(s.integer(column)), static_cast<int>(s.integer(column + 1)),
          static_cast<int>(s.integer(column + 2)), static_cast<int>(s.integer(column + 3))};
}

std::vector<int> wordsIn(const Page& page, const Box& box) {
  std::vector<int> words;
  for (size_t i = 0; i < page.words.size(); ++i) {
    const Box& w = page.words[i].box;
    if (intersect(w, box).area() * 2 > w.area()) words.push_back(static_cast<int>(i));
  }
  return words;
}

/// Reads the parts of one page.
class PageLoader {
 public:
  PageLoader(Database& database, int64_t page_id, Page& page) : database_(database), page_id_(page_id), page_(page) {}
  Result<void> load() {
    TRY_VOID(text());
    TRY_VOID(shapes());
    TRY_VOID(tables());
    return values();
  }

 private:
  /// Calls row(statement) for each row; columns 0 to 4 are name, x0, y0, x1, y1.
  template <typename Row>
  Result<void> each(const char* columns_and_rest, Row row) {
    TRY(auto select, database_.prepare(std::string("SELECT e.name,e.x0,e.y0,e.x1,e.y1,") + columns_and_rest));
    select.bind(1, page_id_);
    while (true) {
      TRY(const bool more, select.step());
      if (!more) return {};
      row(select);
    }
  }
  Result<void> text();
  Result<void> shapes();
  Result<void> tables();
  Result<void> values();

  Database& database_;
  const int64_t page_id_;
  Page& page_;
};

Result<void> PageLoader::text() {
  std::map<int64_t, int> blocks, lines;  // indexes by row id
  TRY_VOID(each("e.id,b.role,b.text FROM block b JOIN entity e ON e.id=b.id WHERE e.page_id=? ORDER BY b.seq_in_page",
                [&](Statement& s) {
                  blocks[s.integer(5)] = static_cast<int>(page_.blocks.size());
                  page_.blocks.push_back({s.text(0), s.text(7), boxAt(s, 1), {}, s.text(6)});
                }));
  TRY_VOID(each("e.id,l.block_id,l.text FROM line l JOIN entity e ON e.id=l.id WHERE e.page_id=? ORDER BY e.z_order",
                [&](Statement& s) {
                  const auto index = static_cast<int>(page_.lines.size());
                  lines[s.integer(5)] = index;
                  const auto block = blocks.find(s.integer(6));
                  const bool inside = !s.isNull(6) && block != blocks.end();
                  if (inside) page_.blocks[static_cast<size_t>(block->second)].lines.push_back(index);
                  page_.lines.push_back(
                      {s.text(0), s.text(7), boxAt(s, 1), quadOf(boxAt(s, 1)), {}, inside ? block->second : -1});
                }));
  return each(
      "e.confidence,w.line_id,w.text,w.writing FROM word w JOIN entity e ON e.id=w.id WHERE e.page_id=? ORDER BY "
      "e.z_order",
      [&](Statement& s) {
        Word word;
        word.id = s.text(0);
        word.box = boxAt(s, 1);
        word.confidence = static_cast<float>(s.real(5));
        word.text = s.text(7);
        word.writing = s.text(8) == "hand"    ? Writing::kHand
                       : s.text(8) == "print" ? Writing::kPrint
                                              : Writing::kUnknown;
        if (const auto line = lines.find(s.integer(6)); line != lines.end()) {
          word.line = line->second;
          page_.lines[static_cast<size_t>(line->second)].words.push_back(static_cast<int>(page_.words.size()));
        }
        page_.words.push_back(std::move(word));
      });
}

Result<void> PageLoader::shapes() {
  TRY_VOID(each("r.orientation FROM rule r JOIN entity e ON e.id=r.id WHERE e.page_id=? ORDER BY e.z_order",
                [&](Statement& s) {
                  page_.rules.push_back(
                      {s.text(0), boxAt(s, 1), s.text(5) == "v" ? Orientation::kVertical : Orientation::kHorizontal});
                }));
  return each("b.is_checkbox,b.checked FROM box b JOIN entity e ON e.id=b.id WHERE e.page_id=? ORDER BY e.z_order",
              [&](Statement& s) {
                page_.frames.push_back({s.text(0), boxAt(s, 1), s.integer(5) != 0, s.integer(6) != 0});
              });
}

Result<void> PageLoader::tables() {
  std::map<int64_t, size_t> tables;
  TRY_VOID(
      each("e.id,t.kind,t.n_rows,t.n_cols,t.header_rows,t.csv FROM table_ t JOIN entity e ON e.id=t.id WHERE "
           "e.page_id=? ORDER BY e.z_order",
           [&](Statement& s) {
             tables[s.integer(5)] = page_.tables.size();
             page_.tables.push_back({s.text(0),
                                     boxAt(s, 1),
                                     static_cast<int>(s.integer(7)),
                                     static_cast<int>(s.integer(8)),
                                     s.text(6),
                                     static_cast<int>(s.integer(9)),
                                     s.text(10),
                                     {}});
           }));
  return each(
      "c.table_id,c.row,c.col,c.row_span,c.col_span,c.text FROM cell c JOIN entity e ON e.id=c.id WHERE e.page_id=? "
      "ORDER BY e.z_order",
      [&](Statement& s) {
        const auto table = tables.find(s.integer(5));
        if (table == tables.end()) return;
        page_.tables[table->second].cells.push_back({static_cast<int>(s.integer(6)), static_cast<int>(s.integer(7)),
                                                     static_cast<int>(s.integer(8)), static_cast<int>(s.integer(9)),
                                                     s.text(10), boxAt(s, 1), wordsIn(page_, boxAt(s, 1))});
      });
}

Result<void> PageLoader::values() {
  return each(
      "e.confidence,v.text,v.simple_type,v.semantic_type,v.normalized,v.unit,v.currency,v.checksum FROM span v JOIN "
      "entity e ON e.id=v.id WHERE e.page_id=? ORDER BY e.z_order",
      [&](Statement& s) {
        const Checksum checksum = s.text(12) == "ok"    ? Checksum::kOk
                                  : s.text(12) == "bad" ? Checksum::kBad
                                                        : Checksum::kNone;
        page_.values.push_back({s.text(0), s.text(6), s.text(7), s.text(8), s.text(9), s.text(10), s.text(11),
                                checksum, static_cast<float>(s.real(5)), wordsIn(page_, boxAt(s, 1))});
      });
}

}  // namespace

Result<Document> Store::load(const std::string& name) {
  TRY(auto head, database_->prepare("SELECT d.id,d.sha256,d.type,d.type_confidence,d.language,t.name,d.template_score "
                                    "FROM document d LEFT JOIN template t ON t.id=d.template_id WHERE d.name=?"));
  TRY(const bool found, head.bind(1, name).step());
  if (!found) return fail(Code::kNotFound, "there is no document '" + name + "' in the database");
  Document d;
  d.name = name;
  d.sha256 = head.text(1);
  d.type = head.text(2);
  d.type_confidence = static_cast<float>(head.real(3));
  d.language = head.text(4);
  d.layout = head.text(5);
  d.layout_score = static_cast<float>(head.real(6));
  const int64_t id = head.integer(0);
  TRY(auto pages, database_->prepare("SELECT id,no,width_px,height_px,dpi,rotation,skew_degrees,text_layer FROM page "
                                     "WHERE document_id=? ORDER BY no"));
  pages.bind(1, id);
  while (true) {
    TRY(const bool more, pages.step());
    if (!more) break;
    Page page;
    page.number = static_cast<int>(pages.integer(1));
    page.width = static_cast<int>(pages.integer(2));
    page.height = static_cast<int>(pages.integer(3));
    page.dpi = static_cast<int>(pages.integer(4));
    page.rotation = static_cast<int>(pages.integer(5));
    page.skew_degrees = pages.real(6);
    page.has_text_layer = pages.integer(7) != 0;
    TRY_VOID(PageLoader(*database_, pages.integer(0), page).load());
    d.pages.push_back(std::move(page));
  }
  TRY(auto fields,
      database_->prepare(
          "SELECT f.name,f.value,f.text,f.page_no,f.confidence,e.x0,e.y0,e.x1,e.y1,"
          "(SELECT kind FROM extraction x WHERE x.document_id=f.document_id AND x.field=f.name) FROM field f "
          "LEFT JOIN entity e ON e.id=f.entity_id WHERE f.document_id=? ORDER BY f.id"));
  fields.bind(1, id);
  while (true) {
    TRY(const bool more, fields.step());
    if (!more) return d;
    Field field{fields.text(0), fields.text(1), fields.text(2), static_cast<int>(fields.integer(3)), {}, 0};
    field.confidence = static_cast<float>(fields.real(4));
    field.workflow = fields.text(9);
    for (const auto& page : d.pages) {
      if (page.number == field.page && !fields.isNull(5)) field.words = wordsIn(page, boxAt(fields, 5));
    }
    d.fields.push_back(std::move(field));
  }
}

}  // namespace lectern::reader
