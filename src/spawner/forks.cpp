// Forks of templates. Some of each template are made ahead: their sandboxes are complete and their processes wait in
// them for the variables of an instance.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "spawner/server.h"
#include "spawner/system.h"
#include "spawner/template_protocol.h"

namespace lectern::spawner {
namespace {

constexpr size_t kSpareForks = 2;  // of each template
constexpr int kMostFailures = 3;   // after so many no more are made ahead

/// A sandbox made for `a` is as good for `b`: only id and variables differ.
bool sameSandbox(const Spec& a, const Spec& b) {
  return a.task_dir == b.task_dir && a.layers == b.layers && a.mounts == b.mounts && a.tmp_size == b.tmp_size &&
         a.memory_limit == b.memory_limit && a.max_pids == b.max_pids && a.max_fds == b.max_fds;
}

std::string packVariables(const std::vector<std::string>& variables) {
  std::string texts;
  for (const auto& variable : variables) texts.append(variable.c_str(), variable.size() + 1);
  return texts.empty() ? std::string(1, '\0') : texts;
}

}  // namespace

void Server::startFork(Spec spec, const std::string& template_id) {
  if (plain_) return refuse(spec.id, ENOTSUP, "templates need sandboxes");
  auto found = boxes_.find(template_id);
  if (found == boxes_.end() || !found->second->parked) return refuse(spec.id, EAGAIN, "the template is not ready");
  Box& parent = *found->second;
  // What was tried ahead and failed each time would fail here too, and end the instance after it has been promised.
  if (parent.failures >= kMostFailures) return refuse(spec.id, EAGAIN, "copying the template's process");
  std::unique_ptr<Box> box;
  auto spare = spare_forks_.find(template_id);
  if (spare != spare_forks_.end() && !spare->second.empty() && sameSandbox(parent.spec, spec)) {
    // The oldest one: it is the most likely to have arrived in its sandbox.
    box = std::move(spare->second.front());
    spare->second.erase(spare->second.begin());
    if (box->forked) parent.failures = 0;
  }
  int error = 0;
  std::string what = "making namespaces and groups";
  if (!box) box = beginFork(parent, spec, error, what);
  if (!box) return refuse(spec.id, error, what);
  box->id = spec.id;
  std::string variables = packVariables(spec.env);
  sendPacket(box->wake, variables.data(), variables.size(), nullptr, 0);
  int output = std::exchange(box->output, -1);
  adopt(std::move(box), output);
}

/// A complete sandbox; the template is ordered to fork into it as soon as its mounts are there (orderFork).
std::unique_ptr<Box> Server::beginFork(Box& parent, const Spec& spec, int& error, std::string& what) {
  static unsigned counter = 0;
  auto box = makeBox(host_, groups_, parent.user_ns, parent.pidfd, error);
  if (!box) return nullptr;
  box->is_fork = true, box->forked_from = parent.id;
  box->token = "f" + std::to_string(++counter);
  int output[2], wake[2];
  Go how;
  how.run = false;
  if (pipe2(output, O_CLOEXEC) != 0) {
    error = errno, what = "pipe";
  } else if (box->output = output[0], box->child_output = output[1];
             socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, wake) != 0) {
    error = errno, what = "socketpair";
  } else {
    box->wake = wake[0], box->child_wake = wake[1];
    groups_.limit(box->groups, spec);
    error = -go(host_, *box, spec, how, what);
  }
  if (error != 0) {
    killBox(groups_, *box);
    finish(*box);
    return nullptr;
  }
  watchMemory(*box);
  forks_[box->token] = box.get();
  watch(box->pidfd, Kind::kEnd, box.get());
  watch(box->control, Kind::kControl, box.get());
  return box;
}

/// The mounts are there: now the process may come.
void Server::orderFork(Box& box) {
  auto parent = boxes_.find(box.forked_from);
  ForkOrder order{};
  std::vector<int> fds;
  std::string base = "/proc/" + std::to_string(box.pid) + "/ns/";
  for (const char* kind : {"mnt", "net", "ipc", "uts", "pid"}) {
    fds.push_back(open((base + kind).c_str(), O_RDONLY | O_CLOEXEC));
  }
  std::vector<int> opened = fds;
  fds.insert(fds.end(), {box.child_output, box.child_wake});
  size_t joins = fds.size();
  fds.insert(fds.end(), box.groups.joins.begin(), box.groups.joins.end());
  if (box.groups.unified >= 0) {
    fds.push_back(openat(box.groups.unified, "cgroup.procs", O_WRONLY | O_CLOEXEC));
    opened.push_back(fds.back());
  }
  order.joins = static_cast<uint32_t>(fds.size() - joins);
  memcpy(order.token, box.token.c_str(), std::min(box.token.size(), sizeof order.token - 1));
  bool good = parent != boxes_.end() && std::find(fds.begin(), fds.end(), -1) == fds.end() &&
              sendPacket(parent->second->template_socket, &order, sizeof order, fds.data(),
                         static_cast<int>(fds.size())) == 0;
  opened.insert(opened.end(), {std::exchange(box.child_output, -1), std::exchange(box.child_wake, -1)});
  for (int fd : opened) {
    if (fd >= 0) close(fd);
  }
  if (!good) killBox(groups_, box);
}

void Server::onTemplate(Box& box) {
  TemplateReport report{};
  long n = receivePacket(box.template_socket, &report, sizeof report, nullptr, false);
  if (n == -EAGAIN) return;
  if (n != static_cast<long>(sizeof report)) {
    if (n <= 0) unwatch(box.template_socket);
    return;
  }
  report.text[sizeof report.text - 1] = 0;
  std::string text = report.text;
  if ((report.kind == kTemplateParked || report.kind == kTemplateCannot) && !box.parked) {
    box.parked = report.kind == kTemplateParked;
    Writer w(static_cast<uint32_t>(Reply::kTemplateDone));
    w.string(box.id), w.u32(box.parked ? 1 : 0), w.string(text);
    return send(w);
  }
  auto child = forks_.find(text);
  if (child == forks_.end() || child->second->forked_from != box.id) return;
  Box& fork = *child->second;
  if (report.kind == kTemplateForked && report.value == 0) {
    fork.forked = true;
  } else if (report.kind == kTemplateChildEnded || report.kind == kTemplateForked) {
    // One that is handed out before it has been tried counts as well: under load most are.
    if (report.kind == kTemplateForked && !fork.id.empty()) ++box.failures;
    fork.end_known = true;
    bool ended = report.kind == kTemplateChildEnded;
    fork.ending.status = !ended ? 255 : WIFEXITED(report.value) ? static_cast<uint32_t>(WEXITSTATUS(report.value)) : 0;
    fork.ending.signal = ended && WIFSIGNALED(report.value) ? static_cast<uint32_t>(WTERMSIG(report.value)) : 0;
    killBox(groups_, fork);
  }
}

/// A fork that was made ahead has ended before it was asked for.
void Server::endSpareFork(Box& box) {
  auto spare = spare_forks_.find(box.forked_from);
  if (spare == spare_forks_.end()) return;
  auto mine = std::find_if(spare->second.begin(), spare->second.end(), [&](auto& fork) { return fork.get() == &box; });
  if (mine == spare->second.end()) return;
  auto ended = std::move(*mine);
  spare->second.erase(mine);
  if (auto parent = boxes_.find(box.forked_from); parent != boxes_.end()) ++parent->second->failures;
  finish(*ended);
}

/// A template of which fewer forks wait than should.
Box* Server::templateInNeed() {
  for (auto& [id, box] : boxes_) {
    if (!box->parked || box->failures >= kMostFailures) continue;
    auto spare = spare_forks_.find(id);
    if (spare == spare_forks_.end() || spare->second.size() < kSpareForks) return box.get();
  }
  return nullptr;
}

}  // namespace lectern::spawner
