#include "reader/workflow/workflow.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>

#include "base/files.h"
#include "reader/question/question.h"
#include "reader/store/database.h"
#include "reader/workflow/fingerprint.h"
#include "reader/workflow/synthesise.h"

namespace lectern::reader {

namespace {

struct FieldWorkflow {
  std::string field, kind;
  std::vector<Weighted> programs;
  std::string body;  // of a question or a SELECT
};

Result<std::string> fieldName(const std::string& wanted) {
  std::string name;
  for (const char c : wanted) name += c == ' ' || c == '-' ? '_' : static_cast<char>(std::tolower(c));
  static const RE2 allowed("[a-z][a-z0-9_]{0,39}");
  if (!RE2::FullMatch(name, allowed))
    return fail(Code::kInvalid, "'" + wanted + "' is no field name; use letters, digits and _, for example cashier");
  return name;
}

Result<int64_t> templateId(Database& db, const std::string& name) {
  TRY(auto select, db.prepare("SELECT id FROM template WHERE name=?"));
  TRY(const bool found, select.bind(1, name).step());
  return found ? select.integer(0) : int64_t{0};
}

Result<int64_t> newTemplate(Database& db, const std::string& name, const Document& sample) {
  const bool every = name == kEveryDocument;
  TRY(auto insert, db.prepare("INSERT INTO template(name,fingerprint,n_samples) VALUES(?,?,?)"));
  insert.bind(1, name).bindBlob(2, every ? "" : toBytes(fingerprintOf(sample))).bind(3, every ? 0 : 1);
  TRY_VOID(insert.run());
  return db.lastId();
}

Result<void> addSample(Database& db, int64_t id, const Document& sample) {
  TRY(auto select, db.prepare("SELECT fingerprint,n_samples FROM template WHERE id=?"));
  TRY(const bool found, select.bind(1, id).step());
  if (!found || select.integer(1) == 0) return {};
  TRY(const Fingerprint mean, fingerprintFromBytes(select.text(0)));
  const Fingerprint next = withSample(mean, static_cast<int>(select.integer(1)), fingerprintOf(sample));
  TRY(auto update, db.prepare("UPDATE template SET fingerprint=?,n_samples=n_samples+1 WHERE id=?"));
  return update.bindBlob(1, toBytes(next)).bind(2, id).run();
}

struct Chosen {
  int64_t id = 0;
  std::string name;
  bool fresh = false;
};

/// The template that a document's field is taught for; it is made when there is none.
Result<Chosen> chooseTemplate(Database& db, const Document& document, const std::string& wanted) {
  const std::string name = !wanted.empty() ? wanted : !document.layout.empty() ? document.layout : document.name;
  TRY(int64_t id, templateId(db, name));
  const bool fresh = id == 0;
  if (fresh) {
    TRY(id, newTemplate(db, name, document));
  } else if (document.layout != name) {
    TRY_VOID(addSample(db, id, document));
  }
  if (name != kEveryDocument) {
    TRY(auto update, db.prepare("UPDATE document SET template_id=?,template_score=1 WHERE name=?"));
    TRY_VOID(update.bind(1, id).bind(2, document.name).run());
  }
  return Chosen{id, name, fresh};
}

Result<void> removeField(Database& db, int64_t id, const std::string& field) {
  TRY(auto remove, db.prepare("DELETE FROM workflow WHERE template_id=? AND field=?"));
  return remove.bind(1, id).bind(2, field).run();
}

Result<void> addWorkflow(Database& db, int64_t id, const std::string& field, const std::string& kind,
                         const std::string& body, double weight) {
  TRY(auto insert, db.prepare("INSERT INTO workflow(template_id,field,kind,body,weight) VALUES(?,?,?,?,?)"));
  return insert.bind(1, id).bind(2, field).bind(3, kind).bind(4, body).bind(5, weight).run();
}

/// Documents of earlier examples with their targets; those that are gone from the database are left out.
struct Lesson {
  std::vector<std::unique_ptr<Document>> documents;
  std::vector<Example> examples;
};

Result<void> earlierExamples(Store& store, int64_t id, const std::string& field, const std::string& but,
                             Lesson& lesson) {
  TRY(auto select, store.database().prepare("SELECT document,value,page_no,x0,y0,x1,y1 FROM example WHERE "
                                            "template_id=? AND field=? AND document<>? ORDER BY document"));
  select.bind(1, id).bind(2, field).bind(3, but);
  while (true) {
    TRY(const bool more, select.step());
    if (!more) return {};
    auto document = store.load(select.text(0));
    if (!document) continue;
    lesson.documents.push_back(std::make_unique<Document>(std::move(*document)));
    const Document& own = *lesson.documents.back();
    Example example{&own, {}};
    const Box box{static_cast<int>(select.integer(3)), static_cast<int>(select.integer(4)),
                  static_cast<int>(select.integer(5)), static_cast<int>(select.integer(6))};
    if (!select.isNull(3)) {
      const Span at = placeOfBox(own, static_cast<int>(select.integer(2)), box);
      if (!at.words.empty()) example.targets.push_back(at);
    } else {
      example.targets = placesOfText(own, select.text(1));
    }
    if (!example.targets.empty()) lesson.examples.push_back(std::move(example));
  }
}

Result<void> keepExample(Database& db, int64_t id, const std::string& field, const TeachRequest& request) {
  TRY(auto put, db.prepare("INSERT OR REPLACE INTO example(template_id,field,document,value,page_no,x0,y0,x1,y1) "
                           "VALUES(?,?,?,?,?,?,?,?,?)"));
  put.bind(1, id).bind(2, field).bind(3, request.document).bind(4, request.text).bind(5, request.page);
  if (request.box) {
    put.bind(6, request.box->x0).bind(7, request.box->y0).bind(8, request.box->x1).bind(9, request.box->y1);
  } else {
    for (int i = 6; i <= 9; ++i) put.bindNull(i);
  }
  return put.run();
}

Result<std::vector<Span>> targetsOf(const Document& document, const TeachRequest& request) {
  if (request.box) {
    Span at = placeOfBox(document, request.page, *request.box);
    if (at.words.empty())
      return fail(Code::kNotFound, "no word stands in that box of page " + std::to_string(request.page));
    return std::vector<Span>{std::move(at)};
  }
  auto targets = placesOfText(document, request.text);
  if (targets.empty())
    return fail(Code::kNotFound,
                "'" + request.text + "' does not stand in " + document.name + "; show where with --box");
  return targets;
}

}  // namespace

Result<Taught> teach(Store& store, const TeachRequest& request) {
  TRY(const std::string field, fieldName(request.field));
  TRY(const Document document, store.load(request.document));
  TRY(auto targets, targetsOf(document, request));
  Database& db = store.database();
  TRY(auto transaction, Transaction::begin(db));
  TRY(const Chosen chosen, chooseTemplate(db, document, request.layout));
  Lesson lesson;
  lesson.examples.push_back({&document, std::move(targets)});
  TRY_VOID(earlierExamples(store, chosen.id, field, request.document, lesson));
  const auto programs = synthesise(lesson.examples);
  const View view(document);
  const auto elected = vote(view, programs);
  if (!elected)
    return fail(Code::kInvalid,
                "no program finds that value again; show another place, or fewer or more of its words");
  TRY_VOID(keepExample(db, chosen.id, field, request));
  TRY_VOID(removeField(db, chosen.id, field));
  Taught taught{chosen.name, chosen.fresh, elected->finding.text, elected->confidence, lesson.examples.size(), {}};
  for (const auto& [program, weight] : programs) {
    taught.programs.push_back(programToText(program));
    TRY_VOID(addWorkflow(db, chosen.id, field, "program", taught.programs.back(), weight));
  }
  TRY_VOID(transaction.commit());
  return taught;
}

Result<std::string> saveWorkflow(Store& store, const std::string& name, const std::string& wanted,
                                 const std::string& kind, const std::string& body, const std::string& layout) {
  TRY(const std::string field, fieldName(wanted));
  TRY(const Document document, store.load(name));
  Database& db = store.database();
  TRY(auto transaction, Transaction::begin(db));
  TRY(const Chosen chosen, chooseTemplate(db, document, layout));
  TRY_VOID(removeField(db, chosen.id, field));
  TRY_VOID(addWorkflow(db, chosen.id, field, kind, body, 1));
  TRY_VOID(transaction.commit());
  return chosen.name;
}

Result<std::vector<WorkflowLine>> listWorkflows(Store& store) {
  TRY(auto select,
      store.database().prepare("SELECT t.name,w.field,w.kind,w.body,w.weight FROM workflow w JOIN template "
                               "t ON t.id=w.template_id ORDER BY t.name,w.field,w.weight DESC,w.id"));
  std::vector<WorkflowLine> lines;
  while (true) {
    TRY(const bool more, select.step());
    if (!more) return lines;
    lines.push_back({select.text(0), select.text(1), select.text(2), select.text(3), select.real(4)});
  }
}

Result<void> forget(Store& store, const std::string& layout, const std::string& field) {
  Database& db = store.database();
  TRY(const int64_t id, templateId(db, layout));
  if (id == 0) return fail(Code::kNotFound, "there is no template '" + layout + "'");
  TRY(auto transaction, Transaction::begin(db));
  if (field.empty()) {
    TRY(auto remove, db.prepare("DELETE FROM template WHERE id=?"));
    TRY_VOID(remove.bind(1, id).run());
  } else {
    TRY(auto count, db.prepare("SELECT count(*) FROM workflow WHERE template_id=? AND field=?"));
    TRY_VOID(count.bind(1, id).bind(2, field).step());
    if (count.integer(0) == 0) return fail(Code::kNotFound, "template '" + layout + "' has no field '" + field + "'");
    TRY_VOID(removeField(db, id, field));
    TRY(auto remove, db.prepare("DELETE FROM example WHERE template_id=? AND field=?"));
    TRY_VOID(remove.bind(1, id).bind(2, field).run());
  }
  return transaction.commit();
}

struct Workflows::Parts {
  std::vector<KnownTemplate> known;
  std::map<std::string, std::vector<FieldWorkflow>> by_template;
};

Result<Workflows> Workflows::load(Store& store) {
  auto parts = std::make_shared<Parts>();
  TRY(auto select, store.database().prepare("SELECT name,fingerprint,n_samples FROM template ORDER BY id"));
  while (true) {
    TRY(const bool more, select.step());
    if (!more) break;
    if (select.text(0) == kEveryDocument) continue;
    TRY(auto print, fingerprintFromBytes(select.text(1)));
    parts->known.push_back({select.text(0), std::move(print), static_cast<int>(select.integer(2))});
  }
  TRY(const auto lines, listWorkflows(store));
  for (const auto& line : lines) {
    auto& fields = parts->by_template[line.layout];
    if (fields.empty() || fields.back().field != line.field) fields.push_back({line.field, line.kind, {}, line.body});
    if (line.kind != "program") continue;
    TRY(auto program, programFromText(line.body));
    fields.back().programs.push_back({std::move(program), line.weight});
  }
  Workflows out;
  if (!parts->known.empty() || !lines.empty()) out.parts_ = std::move(parts);
  return out;
}

namespace {

std::vector<int> wordsIn(const Document& document, int number, const Box& box) {
  return placeOfBox(document, number, box).words;
}

/// Puts questions to a database that holds the document.
class Questions {
 public:
  Questions(const Clock& clock, std::filesystem::path database) : clock_(clock), path_(std::move(database)) {}

  Result<std::optional<Field>> answer(const FieldWorkflow& workflow, const Document& document) {
    TRY_VOID(open(document));
    Answer answer;
    if (workflow.kind == "sql") {
      TRY(const auto rows, asker_->sql(workflow.body, {document.name}));
      if (rows.rows.empty() || rows.rows[0].empty() || !rows.rows[0][0]) return std::optional<Field>();
      answer.answer = rows.rows[0][0];
      answer.confidence = 1;
    } else {
      TRY(answer, asker_->ask(workflow.body, document.name));
    }
    if (!answer.answer) return std::optional<Field>();
    Field field{workflow.field,
                answer.normalized.empty() ? *answer.answer : answer.normalized,
                *answer.answer,
                std::max(1, answer.page),
                {},
                static_cast<float>(answer.confidence),
                workflow.kind};
    if (answer.box && answer.page > 0) field.words = wordsIn(document, answer.page, *answer.box);
    return std::optional(std::move(field));
  }

 private:
  Result<void> open(const Document& document) {
    if (asker_) return {};
    if (path_.empty()) {
      // A document that is not stored yet is asked about in a database of its own.
      TRY(auto made, TempDir::create());
      folder_.emplace(std::move(made));
      path_ = folder_->path() / "one.db";
      TRY(auto store, Store::open(path_));
      Document alone = document;
      alone.layout.clear();
      TRY_VOID(store->put(alone));
    }
    TRY(asker_, Asker::open(path_, clock_));
    return {};
  }

  const Clock& clock_;
  std::filesystem::path path_;
  std::optional<TempDir> folder_;
  std::unique_ptr<Asker> asker_;
};

Result<std::optional<Field>> runField(const FieldWorkflow& workflow, const View& view, Questions& questions) {
  if (workflow.kind != "program") return questions.answer(workflow, view.document());
  const auto elected = vote(view, workflow.programs);
  if (!elected) return std::optional<Field>();
  const Finding& f = elected->finding;
  return std::optional(Field{workflow.field, f.normalized, f.text, view.page(f.span.page).number, f.span.words,
                             static_cast<float>(elected->confidence), "program"});
}

Result<void> applyAll(Document& document, const std::vector<KnownTemplate>& known,
                      const std::map<std::string, std::vector<FieldWorkflow>>& by_template, Questions& questions) {
  const Identity identity = identify(fingerprintOf(document), known);
  document.layout = identity.index < 0 ? "" : known[static_cast<size_t>(identity.index)].name;
  document.layout_score = identity.index < 0 ? 0 : static_cast<float>(std::min(1.0, identity.score));
  std::vector<Field> found;
  const View view(document);
  for (const std::string& name : {std::string(kEveryDocument), document.layout}) {
    const auto fields = by_template.find(name);
    if (name.empty() || fields == by_template.end()) continue;
    for (const auto& workflow : fields->second) {
      TRY(auto field, runField(workflow, view, questions));
      if (field) found.push_back(std::move(*field));
    }
  }
  for (auto& field : found) {
    std::erase_if(document.fields, [&](const Field& f) { return f.name == field.name; });
    document.fields.push_back(std::move(field));
  }
  return {};
}

}  // namespace

Result<void> Workflows::apply(Document& document, const Clock& clock) const {
  if (!parts_) return {};
  Questions questions(clock, {});
  return applyAll(document, parts_->known, parts_->by_template, questions);
}

Result<size_t> runWorkflows(Store& store, const std::string& only, const Clock& clock) {
  TRY(const Workflows workflows, Workflows::load(store));
  TRY(const auto names, store.names());
  const char* path = sqlite3_db_filename(store.database().raw(), "main");
  size_t done = 0;
  for (const auto& name : names) {
    if (!only.empty() && name != only) continue;
    TRY(Document document, store.load(name));
    std::erase_if(document.fields, [](const Field& f) { return !f.workflow.empty(); });
    document.layout.clear();
    if (workflows.parts_) {
      Questions questions(clock, path == nullptr ? "" : path);
      TRY_VOID(applyAll(document, workflows.parts_->known, workflows.parts_->by_template, questions));
    }
    TRY_VOID(store.putWorkflowFields(document));
    ++done;
  }
  if (!only.empty() && done == 0) return fail(Code::kNotFound, "there is no document '" + only + "' in the database");
  return done;
}

}  // namespace lectern::reader
