#pragma once
#include <string>
#include <vector>

namespace lectern::engine {

/// The command that runs a managed runtime ("nodejs20.x", "python3.12", ...) with the host's interpreter and our own
/// runtime client, which is given on the command line so that it needs no file in the sandbox. Empty for `provided`
/// runtimes and for those that this machine cannot run.
std::vector<std::string> managedCommand(const std::string& runtime);

}  // namespace lectern::engine
