#pragma once
#include <linux/filter.h>

#include <vector>

namespace lectern::spawner {

/// The system call filter of a sandbox as a program for seccomp(2): calls that reach beyond the sandbox or into the
/// kernel's less trodden parts fail with EPERM. `for_template` leaves setns, which a template needs to put its forks
/// into their own sandboxes. Empty when the machine has no filters.
std::vector<sock_filter> buildFilter(bool for_template);

}  // namespace lectern::spawner
