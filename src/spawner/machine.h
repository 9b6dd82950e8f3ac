#pragma once
// What sandboxes share on this machine: the namespace that sees the host's files, the namespace with the read-only
// root that every sandbox starts from, the init program, the filters.

#include <linux/filter.h>

#include <string>
#include <vector>

#include "spawner/protocol.h"

namespace lectern::spawner {

/// The user that functions run as.
constexpr unsigned kFunctionUser = 993;

/// Where the root of sandboxes keeps what a program that sees COUNT cores reads about them: PREFIX + COUNT.
constexpr const char* kCoreFiles = "/etc/cores/";

/// Where a sandbox finds the folder with the socket of the keeper of weights, and what tells a function of it.
constexpr const char* kKeeperFolder = "/run/lectern";
inline std::string keeperVariable(const std::string& folder) { return "LECTERN_KEEPER=" + folder + "/keeper"; }

struct Host {
  bool root = false;      // privileged outside of user namespaces
  int host_ns = -1;       // mount namespace with the host's files; only path look-ups happen in it
  int root_ns = -1;       // mount namespace with the root of all sandboxes; the spawner lives in it
  int init_program = -1;  // sealed copy of the init
  std::vector<sock_filter> filter, template_filter;
  std::string keeper;  // folder that sandboxes see as kKeeperFolder; empty: none
};

/// Makes both mount namespaces and moves into the second. Without root it makes a user namespace first. Empty when
/// done, else what failed.
std::string setUpNamespaces(Host& host);

/// A new user namespace in which only kFunctionUser exists; its descriptor or -errno.
int makeUserNamespace();

/// Copies the init program into sealed memory.
int makeInitProgram();

}  // namespace lectern::spawner
