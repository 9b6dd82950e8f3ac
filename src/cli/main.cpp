#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/teach.h"

namespace {
/// The list of commands shows the first line of each; the rest stands in the command's own help.
class FirstLines : public CLI::Formatter {
  std::string make_subcommand(const CLI::App* command) const override {
    std::string text = command->get_description();
    text.resize(std::min(text.size(), text.find('\n')));
    std::stringstream out;
    CLI::detail::format_help(out, command->get_display_name(true), text, column_width_);
    return out.str();
  }
};

/// Tesseract's own threads cost far more than they give, and their number is read when the library is loaded: the
/// program starts itself again with the limit set.
void limitLibraryThreads(char** argv) {
  if (std::getenv("OMP_THREAD_LIMIT") != nullptr) return;
  setenv("OMP_THREAD_LIMIT", "1", 1);
  execv("/proc/self/exe", argv);
}

/// One line about what is wrong and where to read more. Returns the exit status.
int wrongUse(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = &app;
  std::string name = "lectern", what = error.what();
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    name += " " + command->get_name();
  }
  const std::vector<std::string> rest = app.remaining(true);
  const std::string unknown = fmt::format("{}", fmt::join(rest, " "));
  if (command->get_require_subcommand_min() > 0) {
    what = rest.empty()               ? "a command is needed"
           : rest[0].starts_with('-') ? "not understood: " + unknown
                                      : fmt::format("there is no command '{}'", rest[0]);
  } else if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    what = "not understood: " + unknown;  // CLI11 names them from last to first
  }
  fmt::print(stderr, "lectern: {}; see {} --help\n", lectern::printable(what), name);
  return 2;
}
}  // namespace

int main(int argc, char** argv) {
  limitLibraryThreads(argv);
  using namespace lectern::cli;
  CLI::App app{
      "Lectern reads documents and runs applications with large models as functions, on this machine or on AWS "
      "Lambda.\n"
      "Example: lectern read receipts/ --db receipts.db"};
  app.name("lectern");
  app.require_subcommand(1);
  app.formatter(std::make_shared<FirstLines>());
  app.set_version_flag("--version", "lectern 0.1.0");
  int status = 0;
  addRead(app, status);
  addModel(app, status);
  addPack(app, status);
  addDeploy(app, status);
  addQuery(app, status);
  addTeach(app, status);
  addPrice(app, status);
  addServe(app, status);
  addInvoke(app, status);
  addLogs(app, status);
  addTop(app, status);
  addDoctor(app, status);
  addSimulate(app, status);
  addBench(app, status);
  addPlan(app, status);
  addProfile(app, status);
  addExperiment(app, status);
  app.footer("lectern COMMAND --help says more, with examples.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return e.get_exit_code() == 0 ? app.exit(e) : wrongUse(app, e);
  }
  return status;
}
