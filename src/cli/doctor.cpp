#include <fmt/core.h>

#include "base/files.h"
#include "cli/commands.h"

namespace lectern::cli {

void addDoctor(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("doctor", "Say what this machine offers to Lectern.\nExample: lectern doctor");
  command->callback([&status] {
    fmt::print("assets: {}\n", assetsDir().string());
    status = 0;
  });
}

}  // namespace lectern::cli
