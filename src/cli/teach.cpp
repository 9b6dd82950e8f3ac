#include "cli/teach.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "reader/workflow/workflow.h"

namespace lectern::cli {

namespace {

int failed(const char* command, const Error& error) {
  fmt::print(stderr, "lectern {}: {}\n", command, error.message);
  return error.code == Code::kInvalid ? 2 : 1;
}

struct Lesson {
  std::string db;
  reader::TeachRequest request;
  std::vector<int> box;
  bool as_json = false;
};

int teachCommand(Lesson& given) {
  if (given.request.text.empty() == given.box.empty()) {
    fmt::print(stderr,
               "lectern teach: show the value by its text or by --box X0,Y0,X1,Y1; see lectern teach --help\n");
    return 2;
  }
  if (!given.box.empty()) given.request.box = {given.box[0], given.box[1], given.box[2], given.box[3]};
  auto store = reader::Store::open(given.db);
  if (!store) return failed("teach", store.error());
  const auto taught = reader::teach(**store, given.request);
  if (!taught) return failed("teach", taught.error());
  if (given.as_json) {
    json::array programs;
    for (const auto& p : taught->programs) programs.emplace_back(p);
    fmt::print("{}\n", toJson(json::object{{"template", taught->layout},
                                           {"new", taught->fresh},
                                           {"field", given.request.field},
                                           {"value", taught->value},
                                           {"confidence", taught->confidence},
                                           {"examples", taught->examples},
                                           {"programs", std::move(programs)}}));
    return 0;
  }
  fmt::print("{} = {}\n  template {}{}, {} programs from {} example{}, {:.0f} % agree here\n", given.request.field,
             taught->value, taught->layout, taught->fresh ? " (new)" : "", taught->programs.size(), taught->examples,
             taught->examples == 1 ? "" : "s", taught->confidence * 100);
  constexpr size_t kShown = 3;
  for (size_t i = 0; i < std::min(kShown, taught->programs.size()); ++i) fmt::print("  {}\n", taught->programs[i]);
  fmt::print(stderr, "lectern read fills it from now on; lectern workflow {} --run does so in what was read before\n",
             given.db);
  return 0;
}

struct Chosen {
  std::string db, document, layout, field;
  bool run = false, forget = false, as_json = false;
};

int listing(reader::Store& store, const Chosen& given) {
  const auto lines = reader::listWorkflows(store);
  if (!lines) return failed("workflow", lines.error());
  if (given.as_json) {
    json::array all;
    for (const auto& l : *lines) {
      all.push_back(json::object{
          {"template", l.layout}, {"field", l.field}, {"kind", l.kind}, {"body", l.body}, {"weight", l.weight}});
    }
    fmt::print("{}\n", toJson(all));
    return 0;
  }
  fmt::print("template\tfield\tkind\tweight\tbody\n");
  for (const auto& l : *lines) fmt::print("{}\t{}\t{}\t{:.2f}\t{}\n", l.layout, l.field, l.kind, l.weight, l.body);
  return 0;
}

int workflowCommand(const Chosen& given) {
  auto store = reader::Store::open(given.db);
  if (!store) return failed("workflow", store.error());
  if (given.forget) {
    if (given.layout.empty()) {
      fmt::print(stderr, "lectern workflow: --forget needs --template, and --field to forget one field only\n");
      return 2;
    }
    const auto gone = reader::forget(**store, given.layout, given.field);
    return gone ? 0 : failed("workflow", gone.error());
  }
  if (!given.run) return listing(**store, given);
  const RealClock clock;
  const auto done = reader::runWorkflows(**store, given.document, clock);
  if (!done) return failed("workflow", done.error());
  fmt::print("{} document{} renewed; lectern query {} --sql \"SELECT * FROM v_fields\" shows the fields\n", *done,
             *done == 1 ? "" : "s", given.db);
  return 0;
}

}  // namespace

void addTeach(CLI::App& app, int& status) {
  auto* teach = app.add_subcommand(
      "teach",
      "Show a value once; every document that looks like this one gets the field from then on.\n"
      "Examples:\n"
      "  lectern teach out/documents.db cashier MANIS --document 000\n"
      "  lectern teach out/documents.db cashier --box 164,397,215,413 --document 000\n"
      "Programs that walk from the page's other words to the value are made, tried on disturbed copies of the page, "
      "stored, and vote. The same field may be taught with more documents: what serves most of them stays.");
  auto lesson = std::make_shared<Lesson>();
  teach->add_option("db", lesson->db, "Database that lectern read wrote")->required()->check(CLI::ExistingFile);
  teach->add_option("field", lesson->request.field, "Name of the field, for example cashier")->required();
  teach->add_option("value", lesson->request.text, "The value as it is printed");
  teach->add_option("--document", lesson->request.document, "Document that shows it")->required();
  teach->add_option("--box", lesson->box, "Where the value stands: X0,Y0,X1,Y1 in pixels")
      ->delimiter(',')
      ->expected(4);
  teach->add_option("--page", lesson->request.page, "Page of the box")->capture_default_str();
  teach->add_option("--template", lesson->request.layout,
                    "Template to teach (default: the document's own, or a new one of its name; * all documents)");
  teach->add_flag("--json", lesson->as_json, "The result as JSON");
  teach->callback([lesson, &status] { status = teachCommand(*lesson); });

  auto* workflow = app.add_subcommand("workflow",
                                      "What was taught and saved as fields: list, run, forget.\n"
                                      "Examples:\n"
                                      "  lectern workflow out/documents.db\n"
                                      "  lectern workflow out/documents.db --run\n"
                                      "  lectern workflow out/documents.db --forget --template 000 --field cashier");
  auto chosen = std::make_shared<Chosen>();
  workflow->add_option("db", chosen->db, "Database that lectern read wrote")->required()->check(CLI::ExistingFile);
  workflow->add_flag("--run", chosen->run, "Find templates and fields again in the documents of the database");
  workflow->add_option("--document", chosen->document, "With --run: this document only");
  workflow->add_flag("--forget", chosen->forget, "Remove a field, or a whole template");
  workflow->add_option("--template", chosen->layout, "Template of --forget");
  workflow->add_option("--field", chosen->field, "Field of --forget");
  workflow->add_flag("--json", chosen->as_json, "The list as JSON");
  workflow->callback([chosen, &status] { status = workflowCommand(*chosen); });
}

}  // namespace lectern::cli
