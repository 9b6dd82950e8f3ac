#include "reader/store/schema.h"

#include <fmt/format.h>

#include <iterator>

namespace lectern::reader {

namespace {

// Marks the file as ours: "LECT".
constexpr int kApplicationId = 0x4c454354;

// One id space for all entities makes relations uniform; deleting a document deletes everything that hangs on it.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE document(
  id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, name TEXT NOT NULL UNIQUE, path TEXT, n_pages INTEGER NOT NULL, type TEXT,
  type_confidence REAL, language TEXT, created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  models_json TEXT, timings_json TEXT);
CREATE INDEX document_sha256 ON document(sha256);
CREATE TABLE page(
  id INTEGER PRIMARY KEY, document_id INTEGER NOT NULL REFERENCES document ON DELETE CASCADE, no INTEGER NOT NULL,
  width_px INTEGER NOT NULL, height_px INTEGER NOT NULL, dpi INTEGER, rotation INTEGER, skew_degrees REAL,
  is_blank INTEGER NOT NULL, text_layer INTEGER NOT NULL, UNIQUE(document_id, no));
CREATE TABLE entity(
  id INTEGER PRIMARY KEY, page_id INTEGER NOT NULL REFERENCES page ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK(kind IN ('word','line','block','rule','box','table','cell','sentence','value')),
  name TEXT NOT NULL, x0 INTEGER, y0 INTEGER, x1 INTEGER, y1 INTEGER, confidence REAL, z_order INTEGER NOT NULL);
CREATE INDEX entity_page ON entity(page_id, kind);
CREATE TABLE block(
  id INTEGER PRIMARY KEY REFERENCES entity ON DELETE CASCADE, seq_in_page INTEGER NOT NULL, role TEXT, text TEXT NOT NULL);
CREATE TABLE line(
  id INTEGER PRIMARY KEY REFERENCES entity ON DELETE CASCADE, block_id INTEGER REFERENCES block ON DELETE CASCADE,
  seq_in_block INTEGER NOT NULL, text TEXT NOT NULL);
CREATE INDEX line_block ON line(block_id);
CREATE TABLE word(
  id INTEGER PRIMARY KEY REFERENCES entity ON DELETE CASCADE, line_id INTEGER REFERENCES line ON DELETE CASCADE,
  seq_in_line INTEGER NOT NULL, text TEXT NOT NULL, norm_text TEXT NOT NULL, writing TEXT CHECK(writing IN ('print','hand')));
CREATE INDEX word_line ON word(line_id, seq_in_line);
CREATE INDEX word_norm ON word(norm_text);
CREATE TABLE sentence(id INTEGER PRIMARY KEY REFERENCES entity ON DELETE CASCADE, seq INTEGER NOT NULL, text TEXT NOT NULL);
CREATE TABLE rule(id INTEGER PRIMARY KEY REFERENCES entity ON DELETE CASCADE, orientation TEXT CHECK(orientation IN ('h','v')));
CREATE TABLE box(id INTEGER PRIMARY KEY REFERENCES entity ON DELETE CASCADE, is_checkbox INTEGER, checked INTEGER);
CREATE TABLE table_(
  id INTEGER PRIMARY KEY REFERENCES entity ON DELETE CASCADE, kind TEXT, n_rows INTEGER, n_cols INTEGER, header_rows INTEGER,
  csv TEXT);
CREATE TABLE cell(
  id INTEGER PRIMARY KEY REFERENCES entity ON DELETE CASCADE, table_id INTEGER NOT NULL REFERENCES table_ ON DELETE CASCADE,
  row INTEGER, col INTEGER, row_span INTEGER, col_span INTEGER, is_header INTEGER, text TEXT);
CREATE INDEX cell_place ON cell(table_id, row, col);
CREATE TABLE span(
  id INTEGER PRIMARY KEY REFERENCES entity ON DELETE CASCADE, text TEXT, simple_type TEXT, semantic_type TEXT, normalized TEXT,
  unit TEXT, currency TEXT, checksum TEXT);
CREATE INDEX span_type ON span(semantic_type, simple_type);
CREATE TABLE key_value(
  id INTEGER PRIMARY KEY, page_id INTEGER NOT NULL REFERENCES page ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
  key_entity INTEGER REFERENCES entity ON DELETE CASCADE, value_entity INTEGER REFERENCES entity ON DELETE CASCADE,
  key_norm TEXT NOT NULL, confidence REAL);
CREATE INDEX key_value_key ON key_value(key_norm);
CREATE TABLE relation(
  page_id INTEGER NOT NULL REFERENCES page ON DELETE CASCADE, a INTEGER NOT NULL REFERENCES entity ON DELETE CASCADE,
  rel TEXT NOT NULL, b INTEGER NOT NULL REFERENCES entity ON DELETE CASCADE, distance REAL, PRIMARY KEY(a, rel, b)) WITHOUT ROWID;
CREATE INDEX relation_b ON relation(b, rel);
CREATE TABLE field(
  id INTEGER PRIMARY KEY, document_id INTEGER NOT NULL REFERENCES document ON DELETE CASCADE, name TEXT NOT NULL, value TEXT,
  text TEXT, page_no INTEGER, entity_id INTEGER REFERENCES entity ON DELETE SET NULL, confidence REAL);
CREATE INDEX field_name ON field(name, value);
CREATE VIRTUAL TABLE text_search USING fts5(text, tokenize='trigram');
CREATE VIRTUAL TABLE place USING rtree_i32(id, x0, x1, y0, y1);
CREATE TRIGGER entity_gone AFTER DELETE ON entity BEGIN
  DELETE FROM place WHERE id = old.id;
  DELETE FROM text_search WHERE rowid = old.id;
END;
CREATE VIEW v_words AS
  SELECT d.name AS document, p.no AS page, e.name AS word, w.text, e.x0, e.y0, e.x1, e.y1, e.confidence
  FROM word w JOIN entity e ON e.id = w.id JOIN page p ON p.id = e.page_id JOIN document d ON d.id = p.document_id;
CREATE VIEW v_lines AS
  SELECT d.name AS document, p.no AS page, e.name AS line, l.text, e.x0, e.y0, e.x1, e.y1, l.id, l.block_id
  FROM line l JOIN entity e ON e.id = l.id JOIN page p ON p.id = e.page_id JOIN document d ON d.id = p.document_id;
CREATE VIEW v_kv AS
  SELECT d.name AS document, p.no AS page, k.key, k.value, k.confidence
  FROM key_value k JOIN page p ON p.id = k.page_id JOIN document d ON d.id = p.document_id;
CREATE VIEW v_fields AS
  SELECT d.name AS document, f.name AS field, f.value, f.text, f.page_no AS page, f.confidence
  FROM field f JOIN document d ON d.id = f.document_id;
CREATE VIEW v_typed AS
  SELECT d.name AS document, p.no AS page, s.simple_type, s.semantic_type, s.normalized, s.text, e.x0, e.y0, e.x1, e.y1
  FROM span s JOIN entity e ON e.id = s.id JOIN page p ON p.id = e.page_id JOIN document d ON d.id = p.document_id;
CREATE VIEW v_cells AS
  SELECT d.name AS document, p.no AS page, e2.name AS table_name, c.row, c.col, c.is_header, c.text
  FROM cell c JOIN entity e ON e.id = c.id JOIN entity e2 ON e2.id = c.table_id JOIN page p ON p.id = e.page_id
  JOIN document d ON d.id = p.document_id;
)sql";

// What people teach: templates that documents are told by, workflows that find a field in documents of a template, the
// examples they were taught with, and what they found.
constexpr const char* kVersion2 = R"sql(
CREATE TABLE template(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, fingerprint BLOB NOT NULL, n_samples INTEGER NOT NULL);
CREATE TABLE workflow(
  id INTEGER PRIMARY KEY, template_id INTEGER NOT NULL REFERENCES template ON DELETE CASCADE, field TEXT NOT NULL,
  kind TEXT NOT NULL CHECK(kind IN ('program','question','sql')), body TEXT NOT NULL, weight REAL NOT NULL);
CREATE INDEX workflow_field ON workflow(template_id, field);
CREATE TABLE example(
  template_id INTEGER NOT NULL REFERENCES template ON DELETE CASCADE, field TEXT NOT NULL, document TEXT NOT NULL,
  value TEXT NOT NULL, page_no INTEGER, x0 INTEGER, y0 INTEGER, x1 INTEGER, y1 INTEGER,
  PRIMARY KEY(template_id, field, document)) WITHOUT ROWID;
ALTER TABLE document ADD COLUMN template_id INTEGER REFERENCES template ON DELETE SET NULL;
ALTER TABLE document ADD COLUMN template_score REAL;
CREATE TABLE extraction(
  id INTEGER PRIMARY KEY, document_id INTEGER NOT NULL REFERENCES document ON DELETE CASCADE, field TEXT NOT NULL,
  kind TEXT NOT NULL, value TEXT, entity_id INTEGER REFERENCES entity ON DELETE SET NULL, confidence REAL,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')));
CREATE INDEX extraction_document ON extraction(document_id, field);
CREATE INDEX extraction_entity ON extraction(entity_id);
CREATE INDEX field_entity ON field(entity_id);
CREATE INDEX field_document ON field(document_id);
CREATE VIEW v_templates AS
  SELECT t.name AS template, d.name AS document, d.template_score AS score
  FROM template t JOIN document d ON d.template_id = t.id;
)sql";

/// Script n brings a database of version n to version n + 1.
constexpr const char* kScripts[] = {kVersion1, kVersion2};
constexpr int kVersion = std::size(kScripts);

Result<int64_t> pragma(Database& database, const char* name) {
  TRY(auto statement, database.prepare(fmt::format("PRAGMA {}", name)));
  TRY(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

Result<bool> isEmpty(Database& database) {
  TRY(auto statement, database.prepare("SELECT count(*) FROM sqlite_master"));
  TRY(const bool row, statement.step());
  return !row || statement.integer(0) == 0;
}

}  // namespace

Result<void> migrateSchema(Database& database) {
  // Asked first: another process may make the schema between the questions, and what it fills is marked as ours.
  TRY(const bool empty, isEmpty(database));
  TRY(const int64_t version, pragma(database, "user_version"));
  TRY(const int64_t application, pragma(database, "application_id"));
  if (version == kVersion && application == kApplicationId) return {};
  if (version > kVersion && application == kApplicationId) {
    return fail(Code::kInvalid, fmt::format("the database has schema {}, this program knows {}; use a newer lectern",
                                            version, kVersion));
  }
  if (!empty && application != kApplicationId)
    return fail(Code::kCorrupt, "the file is a database, but not one of documents; give another --db");
  TRY(auto transaction, Transaction::begin(database));
  // Another process may have done it while this one waited for the lock.
  TRY(const int64_t from, pragma(database, "user_version"));
  for (int64_t step = from; step < kVersion; ++step) TRY_VOID(database.execute(kScripts[step]));
  TRY_VOID(
      database.execute(fmt::format("PRAGMA user_version={}; PRAGMA application_id={};", kVersion, kApplicationId)));
  return transaction.commit();
}

}  // namespace lectern::reader
