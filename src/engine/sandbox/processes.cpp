// Processes of a sandbox that outlives them.

#include "engine/sandbox/sandbox.h"
#include "spawner/protocol.h"

namespace lectern::sandbox {

using spawner::Reply;
using spawner::Request;

void Sandbox::startProcess(int slot, std::vector<std::string> env, std::vector<std::string> command,
                           std::function<void(Result<Fd>)> done) {
  if (ended_ || owner_ == nullptr) return;  // onExit tells
  starting_[slot] = std::move(done);
  spawner::Writer w(static_cast<uint32_t>(Request::kStartIn));
  spawner::Spec spec;
  spec.env = std::move(env), spec.command = std::move(command);
  spec.max_fds = max_fds_, spec.max_pids = max_pids_;
  w.string(id_), w.u32(static_cast<uint32_t>(slot)), spec.write(w);
  owner_->send(w.bytes());
}

void Sandbox::signalProcess(int slot, int number) {
  if (ended_ || owner_ == nullptr) return;
  spawner::Writer w(static_cast<uint32_t>(Request::kSignal));
  w.string(id_), w.u32(static_cast<uint32_t>(slot)), w.u32(static_cast<uint32_t>(number));
  owner_->send(w.bytes());
}

void Sandbox::clear() {
  if (ended_ || owner_ == nullptr) return;
  thaw();  // the init, too, stands still in a frozen sandbox
  spawner::Writer w(static_cast<uint32_t>(Request::kClear));
  w.string(id_);
  owner_->send(w.bytes());
}

void Spawner::handleProcess(uint32_t type, Sandbox& sandbox, std::string_view message, std::vector<Fd> fds) {
  spawner::Reader r(message);
  r.u32(), r.string();
  if (type == static_cast<uint32_t>(Reply::kCleared)) {
    if (auto callback = sandbox.on_cleared_) callback();
    return;
  }
  int slot = static_cast<int>(r.u32());
  if (type == static_cast<uint32_t>(Reply::kStartedIn)) {
    auto node = sandbox.starting_.extract(slot);
    int error = static_cast<int>(r.u32());
    if (node.empty() || !node.mapped()) return;
    if (error == 0 && !fds.empty()) return node.mapped()(std::move(fds[0]));
    node.mapped()(failErrno("starting a process in a sandbox", error));
  } else if (type == static_cast<uint32_t>(Reply::kProcess)) {
    auto ending = spawner::Ending::read(r);
    ExitInfo info;
    info.exit_status = static_cast<int>(ending.status), info.signal = static_cast<int>(ending.signal);
    info.start_error = static_cast<StartError>(ending.fault);
    if (auto callback = sandbox.on_process_) callback(slot, info);
  }
}

}  // namespace lectern::sandbox
