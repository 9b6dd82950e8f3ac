#pragma once
#include <string>

namespace lectern::sdk {

/// True when this process was started to be a template.
bool startedAsTemplate();

/// Tells the spawner that the template cannot be forked, with the reason.
void refuseTemplate(const std::string& reason);

/// Why this process cannot be forked ("it has 3 threads"); empty when it can.
std::string whyNotForkable();

/// Waits for orders to fork. Returns in each child, which is in a sandbox of its own by then; never in the template.
void serveForks();

}  // namespace lectern::sdk
