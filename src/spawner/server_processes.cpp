// Processes of a sandbox that outlives them: the function started anew in it, extensions beside it.

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "spawner/init_protocol.h"
#include "spawner/server.h"
#include "spawner/system.h"

namespace lectern::spawner {

void Server::startIn(Reader& request) {
  std::string id = request.string();
  uint32_t slot = request.u32();
  Spec spec = Spec::read(request);
  auto found = boxes_.find(id);
  int error = ESRCH, output[2] = {-1, -1};
  if (found != boxes_.end() && found->second->keep && slot < kSlots) {
    error = pipe2(output, O_CLOEXEC) == 0 ? 0 : errno;
    if (error == 0) {
      Go how;
      how.passed = {output[1]}, how.limit_processes = !limited_;
      error = -spawner::startIn(host_, *found->second, spec, slot, how);
      fcntl(output[0], F_SETFL, O_NONBLOCK);
    }
  }
  Writer w(static_cast<uint32_t>(Reply::kStartedIn));
  w.string(id), w.u32(slot), w.u32(static_cast<uint32_t>(error));
  send(w, error == 0 ? std::vector<int>{output[0]} : std::vector<int>{});
  for (int fd : output) {
    if (fd >= 0) close(fd);
  }
}

void Server::signalIn(Reader& request) {
  auto found = boxes_.find(request.string());
  InitSignal order{kInitSignal, request.u32(), request.u32()};
  if (found == boxes_.end() || !found->second->keep) return;
  sendPacket(found->second->control, &order, sizeof order, nullptr, 0);
}

void Server::onProcess(Box& box, const InitReply& reply) {
  Ending ending;
  ending.status = WIFEXITED(reply.value) ? static_cast<uint32_t>(WEXITSTATUS(reply.value)) : 0;
  ending.signal = WIFSIGNALED(reply.value) ? static_cast<uint32_t>(WTERMSIG(reply.value)) : 0;
  if (reply.step == ENOENT) ending.fault = StartFault::kNoBootstrap;
  if (reply.step != 0 && reply.step != ENOENT) ending.fault = StartFault::kNotExecutable;
  if (!box.keep) {
    box.end_known = true;
    box.ending.status = ending.status, box.ending.signal = ending.signal, box.ending.fault = ending.fault;
    return;
  }
  // What the group has used stays counted, so a sandbox in which memory ran out is not used again.
  if (ending.signal == SIGKILL && groups_.killedForMemory(box.groups)) return killBox(groups_, box);
  Writer w(static_cast<uint32_t>(Reply::kProcess));
  w.string(box.id), w.u32(reply.slot);
  ending.write(w);
  send(w);
}

}  // namespace lectern::spawner
