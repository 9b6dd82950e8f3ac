// An interpreter that waits for a function: it has booted in a complete sandbox before anybody asked, gets the mounts
// and the variables of the function that wants it, and loads the code then.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "spawner/server.h"
#include "spawner/system.h"

namespace lectern::spawner {

void Server::beginBoot() {
  int error = 0, output[2], wake[2];
  auto box = makeBox(host_, groups_, -1, -1, error);
  if (!box) {
    ++boot_failures_;
    return;
  }
  box->is_boot = true;
  if (pipe2(output, O_CLOEXEC) == 0) {
    box->output = output[0], box->child_output = output[1];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, wake) == 0) box->wake = wake[0], box->child_wake = wake[1];
  }
  Go how;
  how.boot = true, how.limit_processes = !limited_;
  how.passed = {box->child_output, box->child_wake};
  if (box->child_wake < 0 || spawner::startIn(host_, *box, boot_, 0, how) < 0) {
    ++boot_failures_;
    killBox(groups_, *box);
    return finish(*box);
  }
  close(std::exchange(box->child_output, -1)), close(std::exchange(box->child_wake, -1));
  watch(box->pidfd, Kind::kEnd, box.get());
  watch(box->control, Kind::kControl, box.get());
  booted_ = std::move(box);
}

/// False when the function has to start the ordinary way.
bool Server::startBooted(Spec& spec) {
  if (!spec.boots || !booted_ || spec.keep == 2 || spec.command != boot_.command) return false;
  auto box = std::move(booted_);
  box->id = spec.id;
  box->keep = spec.keep != 0;
  groups_.limit(box->groups, spec);
  Go how;
  how.run = false, how.limit_processes = !limited_;
  std::string what;
  if (int error = go(host_, *box, spec, how, what); error < 0) {
    killBox(groups_, *box);
    finish(*box);
    refuse(spec.id, -error, what);
    return true;
  }
  boot_failures_ = 0;
  box->spec.env = std::move(spec.env);
  watchMemory(*box);
  int output = std::exchange(box->output, -1);
  adopt(std::move(box), output);
  return true;
}

/// The mounts are there: the interpreter may load the function.
void Server::wakeBooted(Box& box) {
  std::string variables;
  for (const auto& variable : box.spec.env) variables.append(variable.c_str(), variable.size() + 1);
  sendPacket(box.wake, variables.data(), variables.size(), nullptr, 0);
  close(std::exchange(box.wake, -1));
  box.spec = {};
}

void Server::endSpareBoot(Box& box) {
  if (booted_.get() != &box) return;
  auto ended = std::move(booted_);
  ++boot_failures_;
  finish(*ended);
}

}  // namespace lectern::spawner
