// lectern-spawner: started by the engine with a socket at descriptor 3; not for use by hand.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "spawner/server.h"

int main(int argc, char** argv) {
  int type = 0;
  socklen_t size = sizeof type;
  if (argc < 2 || argc > 3 || getsockopt(3, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET) {
    fputs("lectern-spawner is started by lectern, not by hand\n", stderr);
    return 2;
  }
  fcntl(3, F_SETFD, FD_CLOEXEC);
  // No parent-death signal: it follows the thread that started this program, which may end long before the engine.
  // The socket closes with the engine however that ends, and then everything here is removed.
  // Without root this would take away its right to write the maps of its user namespaces.
  if (geteuid() == 0) prctl(PR_SET_DUMPABLE, 0);
  signal(SIGINT, SIG_IGN);  // Ctrl-C goes to the engine, which ends this program by closing the socket
  signal(SIGTERM, SIG_IGN);
  lectern::spawner::Server(3, strcmp(argv[1], "none") == 0, strcmp(argv[1], "first") == 0, argc > 2 ? argv[2] : "").run();
  return 0;
}
