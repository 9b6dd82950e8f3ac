#include "spawner/server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "spawner/filter.h"
#include "spawner/init_protocol.h"
#include "spawner/plain.h"
#include "spawner/system.h"
#include "spawner/template_protocol.h"

namespace lectern::spawner {

void Server::send(const Writer& message, const std::vector<int>& fds) {
  if (sendPacket(engine_, message.bytes().data(), message.bytes().size(), fds.data(), static_cast<int>(fds.size())) <
      0) {
    done_ = true;
  }
}

void Server::watch(int fd, Kind kind, Box* box, uint32_t events) {
  epoll_event event{};
  event.events = events != 0 ? events : EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0) watches_[fd] = {kind, box};
}

void Server::unwatch(int fd) {
  if (fd < 0 || watches_.erase(fd) == 0) return;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

Machine Server::setUp() {
  Machine m;
  m.uid = geteuid();
  host_.root = m.uid == 0;
  m.cgroups = "none";
  if (plain_) {
    m.reason = "sandboxes are switched off";
    return m;
  }
  groups_.setUp();
  host_.init_program = makeInitProgram();
  host_.filter = buildFilter(false), host_.template_filter = buildFilter(true);
  m.seccomp = !host_.filter.empty();
  m.cgroups = groups_.describe(), m.controllers = groups_.controllers();
  m.reason = setUpNamespaces(host_);
  if (!m.reason.empty()) {
    groups_.tearDown();
    plain_ = true;
    return m;
  }
  // A real sandbox shows what no file says: security modules let the namespaces through and then refuse the mounts.
  int error = 0;
  auto trial = makeBox(host_, groups_, -1, -1, error);
  if (!trial) {
    m.reason = std::string("a trial sandbox failed: ") + strerror(error);
    groups_.tearDown();
    plain_ = true;
    return m;
  }
  killBox(groups_, *trial);
  finish(*trial);
  limited_ = groups_.complete();
  m.isolation = limited_ ? 0 : 1;
  if (!limited_) {
    m.reason = "uid " + std::to_string(m.uid) + ", no cgroup delegation";
  }
  int user = makeUserNamespace();
  m.user_namespaces = m.templates = user >= 0;
  if (user >= 0) close(user);
  return m;
}

void Server::run() {
  signal(SIGPIPE, SIG_IGN);
  setpriority(PRIO_PROCESS, 0, -10);  // memory marks are watched from here; without root it stays as it is
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  Machine machine = setUp();
  Writer hello(static_cast<uint32_t>(Reply::kHello));
  machine.write(hello);
  send(hello);
  watch(engine_, Kind::kEngine, nullptr);
  while (!done_) {
    bool idle_work = spare_.size() < wanted_ || std::any_of(boxes_.begin(), boxes_.end(), [&](const auto& entry) {
                       return entry.second->parked && !spare_forks_.contains(entry.first);
                     });
    epoll_event events[64];
    int timeout = idle_work ? 0 : leaving_.empty() ? -1 : 2;
    int n = epoll_wait(epoll_, events, 64, timeout);
    for (int i = 0; i < n && !done_; ++i) dispatch(events[i].data.fd);
    if (n == 0 && idle_work) refill();
    if (!leaving_.empty()) removeGroups();
  }
  shutDown();
}

void Server::dispatch(int fd) {
  auto found = watches_.find(fd);
  if (found == watches_.end()) return;  // closed by an earlier event of this round
  Watch w = found->second;
  switch (w.kind) {
    case Kind::kEngine:
      return onRequest();
    case Kind::kEnd:
      return onEnd(*w.box);
    case Kind::kControl:
      onControl(*w.box);
      return;
    case Kind::kPressure:
      return onPressure(*w.box);
    case Kind::kTemplate:
      return onTemplate(*w.box);
  }
}

void Server::onRequest() {
  static std::string buffer(kMaxMessage, '\0');
  for (int i = 0; i < 16 && !done_; ++i) {
    long n = receivePacket(engine_, buffer.data(), buffer.size(), nullptr, false);
    if (n == -EAGAIN) return;
    if (n <= 0) {
      done_ = true;
      return;
    }
    Reader r(std::string_view(buffer.data(), static_cast<size_t>(n)));
    auto request = static_cast<Request>(r.u32());
    switch (request) {
      case Request::kSpawn:
      case Request::kTemplate:
        start(request, Spec::read(r), "");
        break;
      case Request::kFork: {
        std::string template_id = r.string();
        start(request, Spec::read(r), template_id);
        break;
      }
      case Request::kPrepare:
        wanted_ = plain_ ? 0 : std::min<size_t>(r.u32(), 64);
        break;
      case Request::kPing:
        send(Writer(static_cast<uint32_t>(Reply::kPong)));
        break;
      case Request::kStartIn:
        startIn(r);
        break;
      case Request::kSignal:
        signalIn(r);
        break;
      default:
        control(request, r.string());
    }
  }
}

void Server::control(Request request, const std::string& id) {
  auto found = boxes_.find(id);
  if (found == boxes_.end()) return;
  Box& box = *found->second;
  if (plain_) {
    signalPlain(box, request == Request::kKill ? SIGKILL : request == Request::kFreeze ? SIGSTOP : SIGCONT);
  } else if (request == Request::kKill) {
    killBox(groups_, box);
  } else {
    uint32_t kind = request == Request::kFreeze ? kInitFreeze : request == Request::kThaw ? kInitThaw : kInitClear;
    sendPacket(box.control, &kind, sizeof kind, nullptr, 0);
  }
}

void Server::refuse(const std::string& id, int error, const std::string& what) {
  Writer w(static_cast<uint32_t>(Reply::kRefused));
  w.string(id), w.u32(static_cast<uint32_t>(error)), w.string(what);
  send(w);
}

void Server::startPlainProcess(const Spec& spec) {
  int output[2];
  if (pipe2(output, O_CLOEXEC) != 0) return refuse(spec.id, errno, "pipe");
  int error = 0;
  std::string what;
  StartFault fault = StartFault::kNone;
  auto box = startPlain(spec, output[1], error, what, fault);
  close(output[1]);
  if (!box) {
    close(output[0]);
    return refuse(spec.id, error, what);
  }
  box->id = spec.id, box->ending.fault = fault;
  adopt(std::move(box), output[0]);
}

std::unique_ptr<Box> Server::takeBox(Request request, Box* parent, int& error) {
  std::unique_ptr<Box> box;
  if (request == Request::kTemplate) {
    int user_ns = makeUserNamespace();
    if (user_ns < 0) return error = -user_ns, nullptr;
    box = makeBox(host_, groups_, user_ns, -1, error);
    if (box) {
      box->user_ns = user_ns, box->is_template = true;
    } else {
      close(user_ns);
    }
    return box;
  }
  if (parent) {
    auto found = spare_forks_.find(parent->id);
    if (found != spare_forks_.end()) {
      box = std::move(found->second);
      spare_forks_.erase(found);
    } else {
      box = makeBox(host_, groups_, parent->user_ns, parent->pidfd, error);
    }
    if (box) box->is_fork = true, box->forked_from = parent->id;
    return box;
  }
  if (!spare_.empty()) {
    box = std::move(spare_.back());
    spare_.pop_back();
    return box;
  }
  return makeBox(host_, groups_, -1, -1, error);
}

bool Server::launch(Box& box, Request request, const Spec& spec, int output, int& error, std::string& what) {
  groups_.limit(box.groups, spec);
  Go how;
  box.keep = spec.keep != 0;
  how.run = request != Request::kFork && spec.keep != 2, how.limit_processes = !limited_;
  how.passed = {output};
  int pair[2] = {-1, -1};
  if (request == Request::kTemplate) {
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return error = errno, false;
    box.template_socket = pair[0];
    how.passed.push_back(pair[1]);
  }
  error = -go(host_, box, spec, how, what);
  if (pair[1] >= 0) close(pair[1]);
  return error == 0;
}

void Server::start(Request request, Spec spec, const std::string& template_id) {
  if (plain_ && request == Request::kSpawn) return startPlainProcess(spec);
  if (plain_) return refuse(spec.id, ENOTSUP, "templates need sandboxes");
  Box* parent = nullptr;
  if (request == Request::kFork) {
    auto found = boxes_.find(template_id);
    if (found == boxes_.end() || !found->second->parked) return refuse(spec.id, EAGAIN, "the template is not ready");
    parent = found->second.get();
  }
  int error = 0, output[2];
  std::string what = "making namespaces and groups";
  if (pipe2(output, O_CLOEXEC) != 0) return refuse(spec.id, errno, "pipe");
  auto box = takeBox(request, parent, error);
  bool launched = box && launch(*box, request, spec, output[1], error, what);
  if (launched && request == Request::kFork) {
    forks_[spec.id] = {output[1], std::move(spec.env)};  // given to the template when the mounts are there
  } else {
    close(output[1]);
  }
  if (!launched) {
    close(output[0]);
    if (box) killBox(groups_, *box), finish(*box);
    return refuse(spec.id, error, what);
  }
  box->id = spec.id;
  adopt(std::move(box), output[0]);
}

void Server::adopt(std::unique_ptr<Box> box, int output_read) {
  fcntl(output_read, F_SETFL, O_NONBLOCK);
  watch(box->pidfd, Kind::kEnd, box.get());
  if (box->control >= 0) watch(box->control, Kind::kControl, box.get());
  if (box->template_socket >= 0) watch(box->template_socket, Kind::kTemplate, box.get());
  // The pressure file of version 2 is always readable; it reports changes as exceptional.
  if (box->groups.pressure >= 0) watch(box->groups.pressure, Kind::kPressure, box.get(), EPOLLIN | EPOLLPRI);
  uint32_t bits = kFdListener | kFdOutput;
  std::vector<int> fds = {box->listener, output_read};
  std::vector<int> files = plain_ ? std::vector<int>() : groups_.controlFiles(box->groups, bits);
  fds.insert(fds.end(), files.begin(), files.end());
  Writer w(static_cast<uint32_t>(Reply::kStarted));
  w.string(box->id), w.u32(static_cast<uint32_t>(box->pid)), w.u32(bits);
  send(w, fds);
  for (int fd : files) close(fd);
  close(output_read), close(box->listener);
  box->listener = -1;
  std::string id = box->id;
  boxes_[id] = std::move(box);
}

bool Server::onControl(Box& box) {
  InitReply reply{};
  long n = receivePacket(box.control, &reply, sizeof reply, nullptr, false);
  if (n == -EAGAIN) return false;
  if (n != static_cast<long>(sizeof reply)) return unwatch(box.control), false;
  if (reply.kind == kInitMounted && box.is_fork) {
    orderFork(box);
  } else if (reply.kind == kInitEnded) {
    onProcess(box, reply);
  } else if (reply.kind == kInitCleared) {
    Writer w(static_cast<uint32_t>(Reply::kCleared));
    w.string(box.id);
    send(w);
  } else if (reply.kind == kInitFailed) {
    box.end_known = true, box.ending.status = 126, box.ending.fault = StartFault::kNotExecutable;
  }
  return true;
}

void Server::onPressure(Box& box) {
  struct statfs info {};
  uint64_t used = 0;
  if (box.tmp >= 0 && fstatfs(box.tmp, &info) == 0) {
    used = (info.f_blocks - info.f_bfree) * static_cast<uint64_t>(info.f_bsize);
  }
  if (!groups_.overLimit(box.groups, used)) return;
  box.ending.out_of_memory = 1;
  killBox(groups_, box);
}

void Server::orderFork(Box& box) {
  auto pending = forks_.extract(box.id);
  auto parent = boxes_.find(box.forked_from);
  if (pending.empty()) return;
  ForkOrder order{};
  std::string texts;
  for (const auto& variable : pending.mapped().env)
    texts.append(variable.c_str(), variable.size() + 1), ++order.variables;
  std::vector<int> fds;
  std::string base = "/proc/" + std::to_string(box.pid) + "/ns/";
  for (const char* kind : {"mnt", "net", "ipc", "uts", "pid"}) {
    fds.push_back(open((base + kind).c_str(), O_RDONLY | O_CLOEXEC));
  }
  fds.push_back(pending.mapped().output);
  std::vector<int> opened = fds;
  fds.insert(fds.end(), box.groups.joins.begin(), box.groups.joins.end());
  if (box.groups.unified >= 0) {
    fds.push_back(openat(box.groups.unified, "cgroup.procs", O_WRONLY | O_CLOEXEC));
    opened.push_back(fds.back());
  }
  order.joins = static_cast<uint32_t>(fds.size() - 6);
  memcpy(order.id, box.id.c_str(), std::min(box.id.size(), sizeof order.id - 1));
  std::string message(reinterpret_cast<const char*>(&order), sizeof order);
  message += texts;
  bool good = parent != boxes_.end() && std::find(fds.begin(), fds.end(), -1) == fds.end() &&
              sendPacket(parent->second->template_socket, message.data(), message.size(), fds.data(),
                         static_cast<int>(fds.size())) == 0;
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
  auto child = boxes_.find(text);
  if (child == boxes_.end() || child->second->forked_from != box.id) return;
  if (report.kind == kTemplateChildEnded || (report.kind == kTemplateForked && report.value != 0)) {
    Box& fork = *child->second;
    fork.end_known = true;
    bool ended = report.kind == kTemplateChildEnded;
    fork.ending.status = !ended ? 255 : WIFEXITED(report.value) ? static_cast<uint32_t>(WEXITSTATUS(report.value)) : 0;
    fork.ending.signal = ended && WIFSIGNALED(report.value) ? static_cast<uint32_t>(WTERMSIG(report.value)) : 0;
    killBox(groups_, fork);
  }
}

void Server::onEnd(Box& box) {
  // The init's last words may still wait.
  while (box.control >= 0 && !box.is_fork && onControl(box)) {
  }
  Writer w(static_cast<uint32_t>(Reply::kEnded));
  w.string(box.id);
  auto node = boxes_.extract(box.id);
  finish(box);
  box.ending.write(w);
  send(w);
}

void Server::finish(Box& box) {
  siginfo_t info{};
  waitid(static_cast<idtype_t>(3) /* P_PIDFD */, static_cast<id_t>(box.pidfd), &info, WEXITED);
  if (plain_) {
    signalPlain(box, SIGKILL);  // what the process left behind in its group
    box.ending.status = info.si_code == CLD_EXITED ? static_cast<uint32_t>(info.si_status) : 0;
    box.ending.signal = info.si_code == CLD_EXITED ? 0 : static_cast<uint32_t>(info.si_status);
  } else if (!box.end_known || box.ending.out_of_memory) {
    box.ending.status = 0, box.ending.signal = SIGKILL;
  }
  for (int fd : {box.pidfd, box.control, box.groups.pressure, box.template_socket}) unwatch(fd);
  if (auto fork = forks_.extract(box.id); !fork.empty()) close(fork.mapped().output);
  if (box.is_template) {
    if (auto spare = spare_forks_.extract(box.id); !spare.empty()) {
      killBox(groups_, *spare.mapped());
      finish(*spare.mapped());
    }
  }
  if (plain_) return;
  groups_.measure(box.groups, box.ending);
  if (!groups_.remove(box.groups)) leaving_.push_back(std::move(box.groups));
}

void Server::refill() {
  int error = 0;
  if (spare_.size() < wanted_) {
    auto box = makeBox(host_, groups_, -1, -1, error);
    if (!box) {
      wanted_ = 0;  // the next real request tells why
      return;
    }
    spare_.push_back(std::move(box));
    return;
  }
  for (auto& [id, box] : boxes_) {
    if (!box->parked || spare_forks_.contains(id)) continue;
    auto spare = makeBox(host_, groups_, box->user_ns, box->pidfd, error);
    if (!spare) box->parked = false;
    if (spare) spare_forks_[id] = std::move(spare);
    return;
  }
}

void Server::removeGroups() {
  std::erase_if(leaving_, [&](GroupSet& set) { return groups_.remove(set); });
}

void Server::shutDown() {
  // Forks first: their namespaces are below those of their templates.
  std::vector<std::unique_ptr<Box>> all;
  for (auto& [id, box] : boxes_) all.push_back(std::move(box));
  for (auto& box : spare_) all.push_back(std::move(box));
  for (auto& [id, box] : spare_forks_) all.push_back(std::move(box));
  boxes_.clear(), spare_.clear(), spare_forks_.clear();
  std::stable_partition(all.begin(), all.end(), [](const auto& box) { return !box->is_template; });
  for (auto& box : all) {
    if (plain_) {
      signalPlain(*box, SIGKILL);
    } else {
      killBox(groups_, *box);
    }
  }
  for (auto& box : all) finish(*box);
  for (int i = 0; i < 500 && !leaving_.empty(); ++i) {
    removeGroups();
    timespec pause{0, 2'000'000};
    if (!leaving_.empty()) nanosleep(&pause, nullptr);
  }
  if (!plain_) groups_.tearDown();
}

}  // namespace lectern::spawner
