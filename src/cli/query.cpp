#include <fmt/core.h>
#include <unistd.h>

#include <iostream>
#include <memory>

#include "base/clock.h"
#include "base/json.h"
#include "cli/commands.h"
#include "reader/question/question.h"
#include "reader/workflow/workflow.h"

namespace lectern::cli {

namespace {

struct Given {
  std::string db;
  std::vector<std::string> questions;
  std::string sql;
  std::string document;
  std::string save;
  std::string layout;
  bool as_json = false;
};

/// Fields of one output line: no line breaks or tabs inside.
std::string flat(const std::string& text) {
  std::string out = text;
  for (char& c : out) {
    if (c == '\t' || c == '\n' || c == '\r') c = ' ';
  }
  return out;
}

void printRows(const reader::RowSet& rows, bool as_json) {
  if (as_json) {
    json::array all;
    for (const auto& row : rows.rows) {
      json::object one;
      for (size_t c = 0; c < row.size(); ++c)
        one[rows.columns[c]] = row[c] ? json::value(*row[c]) : json::value(nullptr);
      all.push_back(std::move(one));
    }
    fmt::print("{}\n", toJson(all));
  } else {
    std::string head;
    for (const auto& name : rows.columns) head += (head.empty() ? "" : "\t") + flat(name);
    fmt::print("{}\n", head);
    for (const auto& row : rows.rows) {
      std::string line;
      for (size_t c = 0; c < row.size(); ++c) line += (c == 0 ? "" : "\t") + flat(row[c].value_or(""));
      fmt::print("{}\n", line);
    }
  }
  if (rows.truncated)
    fmt::print(stderr, "lectern query: only the first {} rows; add LIMIT and OFFSET\n", rows.rows.size());
}

void printAnswer(const reader::Answer& a, bool as_json) {
  if (as_json) {
    fmt::print("{}\n", toJson(reader::answerToJson(a)));
    return;
  }
  if (!a.answer) {
    fmt::print("not found\n");
    return;
  }
  fmt::print("{}\n", *a.answer);
  if (!a.normalized.empty() && a.normalized != *a.answer) fmt::print("  as      {}\n", a.normalized);
  if (a.page > 0) {
    const std::string box = a.box ? fmt::format(", box {} {} {} {}", a.box->x0, a.box->y0, a.box->x1, a.box->y1) : "";
    fmt::print("  where   {}, page {}{}\n", a.document, a.page, box);
  }
  fmt::print("  sure    {:.0f} %\n  sql     {}\n", a.confidence * 100, a.sql);
}

/// --save FIELD: what was asked answers this field in all documents of the template from now on.
int saveAsField(const Given& given) {
  if (given.questions.size() + (given.sql.empty() ? 0 : 1) != 1 || given.document.empty()) {
    fmt::print(stderr, "lectern query: --save needs one question (or --sql) and the --document that it is about\n");
    return 2;
  }
  auto store = reader::Store::open(given.db);
  if (!store) {
    fmt::print(stderr, "lectern query: {}\n", store.error().message);
    return 1;
  }
  const bool sql = !given.sql.empty();
  auto saved = reader::saveWorkflow(**store, given.document, given.save, sql ? "sql" : "question",
                                    sql ? given.sql : given.questions[0], given.layout);
  if (!saved) {
    fmt::print(stderr, "lectern query: {}\n", saved.error().message);
    return saved.error().code == Code::kInvalid ? 2 : 1;
  }
  fmt::print(stderr, "saved as field {} of template {}; lectern workflow {} --run fills it in what was read before\n",
             given.save, *saved, given.db);
  return 0;
}

int queryCommand(const Given& given) {
  if (given.questions.empty() == given.sql.empty()) {
    fmt::print(stderr,
               "lectern query: give a question or --sql \"SELECT ...\"; lectern query --help shows examples\n");
    return 2;
  }
  const RealClock clock;
  auto asker = reader::Asker::open(given.db, clock);
  if (!asker) {
    fmt::print(stderr, "lectern query: {}\n", asker.error().message);
    return 1;
  }
  if (!given.sql.empty()) {
    // ?1 is the document's name, as in a saved SELECT.
    auto rows = (*asker)->sql(
        given.sql, given.document.empty() ? std::vector<std::string>{} : std::vector<std::string>{given.document});
    if (!rows) {
      fmt::print(stderr, "lectern query: {}\n", rows.error().message);
      return rows.error().code == Code::kInvalid ? 2 : 1;
    }
    printRows(*rows, given.as_json);
    return given.save.empty() ? 0 : saveAsField(given);
  }
  int status = 0;
  const auto one = [&](const std::string& question) {
    auto answer = (*asker)->ask(question, given.document);
    if (!answer) {
      fmt::print(stderr, "lectern query: {}\n", answer.error().message);
      status = 1;
      return;
    }
    printAnswer(*answer, given.as_json);
  };
  for (const auto& question : given.questions) {
    if (question != "-") {
      one(question);
      continue;
    }
    for (std::string line; std::getline(std::cin, line);) {
      if (!line.empty()) one(line);
    }
  }
  return status != 0 || given.save.empty() ? status : saveAsField(given);
}

}  // namespace

void addQuery(CLI::App& app, int& status) {
  auto* command = app.add_subcommand(
      "query",
      "Ask the document database in plain words or in SQL.\n"
      "Examples:\n"
      "  lectern query out/documents.db \"What is the total?\" --document receipt\n"
      "  lectern query out/documents.db \"What is to the right of 'Cashier:'?\" \"and the one below?\" --document "
      "receipt\n"
      "  lectern query out/documents.db \"total of all receipts from Aeon in March 2018\"\n"
      "  lectern query out/documents.db --sql \"SELECT field, value FROM v_fields\"\n"
      "  lectern query out/documents.db \"What is below 'Cashier'?\" --document receipt --save cashier\n"
      "Several questions are one conversation; - reads them from standard input, a line each. What is not in the "
      "documents is \"not found\" (null with --json) with exit status 0.");
  auto given = std::make_shared<Given>();
  command->add_option("db", given->db, "Database that lectern read wrote")->required();
  command->add_option("question", given->questions, "Questions");
  command->add_option("--sql", given->sql, "One SELECT instead of a question; read only, at most 5 s and 1000 rows");
  command->add_option("--document", given->document, "Ask about this document only (its name)");
  command->add_option("--save", given->save,
                      "Save what is asked as this field: it is answered in every document of the template");
  command->add_option("--template", given->layout, "Template to save it for (default: the document's own; * all)");
  command->add_flag("--json", given->as_json, "One JSON object a question; rows as an array of objects");
  command->callback([given, &status] { status = queryCommand(*given); });
}

}  // namespace lectern::cli
