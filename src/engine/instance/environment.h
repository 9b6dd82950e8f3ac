#pragma once
#include <string>
#include <vector>

#include "contract/limits.h"
#include "contract/names.h"
#include "engine/control/function.h"

namespace lectern::engine {

/// What the sandbox of an instance is made from, but its id and its variables.
sandbox::SandboxSpec sandboxSpecOf(const FunctionVersion& version, const contract::Limits& limits);

/// An interpreter that was started ahead may run the version: nothing in its environment is for the interpreter.
bool canBootAhead(const FunctionVersion& version);
/// What such an interpreter is started with.
sandbox::SandboxSpec bootSpecOf(const FunctionVersion& version, const contract::Limits& limits);

/// The name of a version's snapshot.
std::string snapshotKey(const FunctionVersion& version);

/// The variables that Lambda sets for a function's process, as "NAME=value", with the customer's behind them.
/// `init_type`: "on-demand", "provisioned-concurrency" or "snap-start".
std::vector<std::string> environmentOf(const FunctionVersion& version, const contract::Place& place,
                                       const std::string& log_stream, const std::string& init_type);

/// What of these variables an extension gets.
std::vector<std::string> extensionVariables(std::vector<std::string> variables);

/// Name of a signal as Lambda writes it: "killed", "segmentation fault", ...
std::string signalName(int number);

}  // namespace lectern::engine
