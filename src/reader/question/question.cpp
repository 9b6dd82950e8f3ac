#include "reader/question/question.h"

#include <re2/re2.h>

#include <cmath>

#include "reader/question/lexicon.h"
#include "reader/question/lookup.h"
#include "reader/question/slots.h"

namespace lectern::reader {

struct Asker::Impl {
  std::unique_ptr<GuardedDatabase> db;
  Memory memory;

  Result<std::vector<std::string>> names() const {
    TRY(const auto rows, db->query("SELECT name FROM document ORDER BY name"));
    std::vector<std::string> out;
    for (const auto& row : rows.rows) out.push_back(row[0].value_or(""));
    return out;
  }
  /// The document meant: given by name or by file name, or the only one there is; empty: all of them.
  Result<std::string> documentFor(const std::string& wanted) const;
  Lookup aboutOne(const std::string& question, const std::string& document) const;
  Lookup aboutAll(const std::string& question) const;
};

namespace {

std::string stemOf(const std::string& name) { return std::filesystem::path(name).stem().string(); }

}  // namespace

json::object answerToJson(const Answer& a) {
  json::object out;
  out["answer"] = a.answer ? json::value(*a.answer) : json::value(nullptr);
  const std::string normalized = a.normalized.empty() ? a.answer.value_or("") : a.normalized;
  out["normalized"] = a.answer ? json::value(normalized) : json::value(nullptr);
  out["confidence"] = std::round(a.confidence * 1000) / 1000;
  out["sql"] = a.sql;
  out["document"] = a.document.empty() ? json::value(nullptr) : json::value(a.document);
  out["page"] = a.page > 0 ? json::value(a.page) : json::value(nullptr);
  out["box"] = a.box ? json::value(json::array{a.box->x0, a.box->y0, a.box->x1, a.box->y1}) : json::value(nullptr);
  return out;
}

Asker::Asker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Asker::~Asker() = default;

Result<std::unique_ptr<Asker>> Asker::open(const std::filesystem::path& database, const Clock& clock,
                                           const QueryLimits& limits) {
  TRY(auto db, GuardedDatabase::open(database, clock, limits));
  return std::unique_ptr<Asker>(new Asker(std::unique_ptr<Impl>(new Impl{std::move(db), {}})));
}

Result<std::string> Asker::Impl::documentFor(const std::string& wanted) const {
  TRY(const auto all, names());
  if (wanted.empty()) return all.size() == 1 ? all[0] : std::string();
  for (const auto& name : all) {
    if (name == wanted) return name;
  }
  for (const auto& name : all) {
    if (stemOf(name) == stemOf(wanted) || name == stemOf(wanted)) return name;
  }
  return fail(Code::kNotFound,
              "no document '" + wanted + "' in the database; --sql \"SELECT name FROM document\" lists them");
}

Lookup Asker::Impl::aboutOne(const std::string& question, const std::string& document) const {
  const std::string plain = plainText(question);
  const auto quotes = quoted(question);
  const std::optional<std::string> anchor = quotes.empty() ? std::nullopt : std::optional(quotes[0]);
  // Closed patterns first: each knows by its words that it is meant.
  static const RE2 direction("\\b(?:right of|left of|below|beneath|underneath|above|next to|beside)\\b");
  static const RE2 follow_up("^(?:and|what about)\\b.*\\b(?:right|left|below|above|next)\\b");
  if (RE2::PartialMatch(plain, direction) || RE2::PartialMatch(plain, follow_up)) {
    return byDirection(*db, document, plain, anchor, memory);
  }
  for (const auto way : {byCount, byType}) {
    TRY(auto found, way(*db, document, plain));
    if (found) return found;
  }
  static const RE2 search("^(?:find|search|where (?:does|is|stands?))\\b");
  if (anchor) {
    if (RE2::PartialMatch(plain, search)) return bySearch(*db, document, *anchor);
    TRY(auto key, byKey(*db, document, plainText(*anchor), 0.74));
    if (key) return key;
    return byTableCell(*db, document, plain);
  }
  const auto field = fieldAsked(plain);
  TRY(auto slot, bySlot(*db, document, plain));
  if (field && field->exact && !slot.meant && !slot.closed) {
    TRY(auto found, byField(*db, document, field->name));
    if (found) return found;
  }
  const std::string subject = subjectOf(plain);
  // A field that was taught under the name that is asked for.
  TRY(auto taught, byTaughtField(*db, document, subject));
  if (taught) return taught;
  if (slot.found || slot.closed) return slot.found;
  TRY(auto key, byKey(*db, document, subject, 0.82));
  if (key) return key;
  TRY(auto cell, byTableCell(*db, document, plain));
  if (cell) return cell;
  return std::nullopt;
}

Lookup Asker::Impl::aboutAll(const std::string& question) const {
  const std::string plain = plainText(question);
  TRY(auto whole, byAggregate(*db, plain, quoted(question)));
  if (whole) return whole;
  // The same question put to each document; the answers in a row.
  TRY(const auto all, names());
  std::optional<Found> first;
  size_t answers = 0;
  constexpr size_t kMost = 20;
  for (const auto& name : all) {
    TRY(auto found, aboutOne(question, name));
    if (!found) continue;
    if (++answers > kMost) break;
    const std::string line = name + ": " + found->answer.answer.value_or("");
    if (!first) {
      first = std::move(found);
      first->answer.answer = line;
    } else {
      *first->answer.answer += "; " + line;
      first->answer.document.clear();
      first->answer.box.reset();
      first->answer.page = 0;
      first->answer.normalized.clear();
    }
  }
  return first;
}

Result<Answer> Asker::ask(const std::string& question, const std::string& document) {
  if (question.size() > 2'000) return fail(Code::kTooLarge, "the question is longer than 2000 characters");
  std::string wanted = document;
  // A follow-up is about the document of the last answer.
  if (wanted.empty() && impl_->memory.entity != 0 && plainText(question).starts_with("and "))
    wanted = impl_->memory.document;
  TRY(const std::string name, impl_->documentFor(wanted));
  TRY(auto found, name.empty() ? impl_->aboutAll(question) : impl_->aboutOne(question, name));
  Answer none;
  none.document = name;
  if (!found) return none;
  if (found->entity != 0) impl_->memory = {found->answer.document, found->entity};
  return found->answer;
}

Result<RowSet> Asker::sql(const std::string& statement, const std::vector<std::string>& parameters) {
  return impl_->db->query(statement, parameters);
}

}  // namespace lectern::reader
