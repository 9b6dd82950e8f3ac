#pragma once
// One sandbox, from clone to removal.

#include <memory>
#include <string>

#include "spawner/groups.h"
#include "spawner/machine.h"
#include "spawner/protocol.h"

namespace lectern::spawner {

/// Namespaces and groups with a waiting init in them; nothing in it belongs to a function yet.
struct Box {
  int pid = 0;        // of the init, as the spawner sees it
  int pidfd = -1;     // readable when the init has ended
  int control = -1;   // to the init
  int listener = -1;  // Runtime API, made inside
  int tmp = -1;       // the mount at /tmp, to ask how full it is
  bool keep = false;  // stays when its processes have ended
  GroupSet groups;

  std::string id;
  bool is_template = false, is_fork = false, is_boot = false;
  int steps = 0;  // of a boot: started, mounted
  int output = -1;  // read end of the function's output, until the engine has it
  Spec spec;        // of templates and their forks

  // Of a template.
  int user_ns = -1;
  int template_socket = -1;  // to its first process
  bool parked = false;
  int failures = 0;  // forks that failed, or ended before they were asked for

  // Of a fork.
  std::string forked_from, token;
  int child_output = -1;          // write end, until the child has it
  int wake = -1, child_wake = -1;  // the child (of a boot as well) waits at its end for its variables
  bool forked = false;            // by the template's own word
  Ending ending;
  bool end_known = false;

  Box() = default;
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;
  ~Box();
};

/// Makes the namespaces and the groups and starts the init. With `user_ns` they belong to that user namespace; with
/// `parent_init` (the pidfd of a template's init) the processes are below the template's as well. Null and errno in
/// `error` otherwise.
std::unique_ptr<Box> makeBox(const Host& host, Groups& groups, int user_ns, int parent_init, int& error);

struct Go {
  bool run = true;          // start the command (a fork brings its process itself)
  bool boot = false;        // ... before there are mounts
  std::vector<int> passed;  // descriptors after the mounts: output, template socket
  bool limit_processes = false;
};

/// Mounts and starts what the spec says. 0 or -errno, with what failed in `what`.
int go(const Host& host, Box& box, const Spec& spec, const Go& how, std::string& what);

/// Starts a further process in a box that is kept. 0 or -errno.
int startIn(const Host& host, Box& box, const Spec& spec, uint32_t slot, const Go& how);

/// Kills everything in the box; the init's pidfd becomes readable soon.
void killBox(const Groups& groups, const Box& box);

}  // namespace lectern::spawner
