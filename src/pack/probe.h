#pragma once
// One process at a Runtime API of our own: it gets one event, its answer is the result.

#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace lectern::pack {

struct ProbeSpec {
  std::vector<std::string> command;      // absolute path of the program, arguments
  std::vector<std::string> environment;  // "NAME=value"; AWS_LAMBDA_RUNTIME_API is added
  std::string event;
  Nanos timeout;
  // The process is no function but serves this port as AWS's Runtime Interface Emulator does: the event is sent there.
  int emulator_port = 0;
};

/// The payload that the process posts as its response. kUnavailable when it posts an error, ends, or is late; the
/// message carries what it posted or wrote last. The process is killed at the end.
Result<std::string> probe(const ProbeSpec& spec);

}  // namespace lectern::pack
