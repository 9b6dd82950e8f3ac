#pragma once
#include <memory>
#include <string>

#include "spawner/box.h"

namespace lectern::spawner {

/// Starts the spec as a plain process in a process group of its own, with resource limits and nothing else: no private
/// files, network or process numbers. The Runtime API listens on a free port of the host's loopback. Null, errno and
/// what failed otherwise. `program_fault` says how the program could not be started.
std::unique_ptr<Box> startPlain(const Host& host, const Spec& spec, int output, int& error, std::string& what,
                                StartFault& program_fault);

/// Stops, continues or kills the process group.
void signalPlain(const Box& box, int signal);

}  // namespace lectern::spawner
