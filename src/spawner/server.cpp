#include "spawner/server.h"

#include <fcntl.h>
#include <poll.h>
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

/// Groups that may be made are of no use to plain processes, and are not reported.
Machine Server::withoutSandboxes(Machine m) {
  groups_.tearDown();
  plain_ = true;
  m.cgroups = "none", m.controllers.clear();
  return m;
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
    return withoutSandboxes(std::move(m));
  }
  // A real sandbox shows what no file says: security modules let the namespaces through and then refuse the mounts.
  int error = 0;
  auto trial = makeBox(host_, groups_, -1, -1, error);
  if (!trial) {
    m.reason = std::string("a trial sandbox failed: ") + strerror(error);
    return withoutSandboxes(std::move(m));
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
    bool idle_work = spare_.size() < wanted_ || templateInNeed() || bootWanted();
    epoll_event events[64];
    // What is prepared ahead waits until a burst of requests is over.
    int timeout = idle_work ? 4 : leaving_.empty() ? -1 : 2;
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
        start(request, Spec::read(r));
        break;
      case Request::kFork: {
        std::string template_id = r.string();
        startFork(Spec::read(r), template_id);
        break;
      }
      case Request::kPrepare:
        wanted_ = plain_ ? 0 : std::min<size_t>(r.u32(), 64);
        break;
      case Request::kPrepareBoot:
        if (!plain_) boot_ = Spec::read(r);
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
  auto box = startPlain(host_, spec, output[1], error, what, fault);
  close(output[1]);
  if (!box) {
    close(output[0]);
    return refuse(spec.id, error, what);
  }
  box->id = spec.id, box->ending.fault = fault;
  adopt(std::move(box), output[0]);
}

std::unique_ptr<Box> Server::takeBox(Request request, int& error) {
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
  how.run = spec.keep != 2, how.limit_processes = !limited_;
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

void Server::start(Request request, Spec spec) {
  if (plain_ && request == Request::kSpawn) return startPlainProcess(spec);
  if (plain_) return refuse(spec.id, ENOTSUP, "templates need sandboxes");
  if (request == Request::kSpawn && startBooted(spec)) return;
  int error = 0, output[2];
  std::string what = "making namespaces and groups";
  if (pipe2(output, O_CLOEXEC) != 0) return refuse(spec.id, errno, "pipe");
  auto box = takeBox(request, error);
  bool launched = box && launch(*box, request, spec, output[1], error, what);
  close(output[1]);
  if (!launched) {
    close(output[0]);
    if (box) killBox(groups_, *box), finish(*box);
    return refuse(spec.id, error, what);
  }
  box->id = spec.id;
  watchMemory(*box);
  if (request == Request::kTemplate) box->spec = std::move(spec);
  adopt(std::move(box), output[0]);
}

void Server::adopt(std::unique_ptr<Box> box, int output_read) {
  fcntl(output_read, F_SETFL, O_NONBLOCK);
  watch(box->pidfd, Kind::kEnd, box.get());
  if (box->control >= 0) watch(box->control, Kind::kControl, box.get());
  if (box->template_socket >= 0) watch(box->template_socket, Kind::kTemplate, box.get());
  if (box->groups.pressure >= 0) watch(box->groups.pressure, Kind::kPressure, box.get(), box->groups.pressure_events);
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
  } else if (reply.kind == kInitMounted && box.is_boot) {
    if (++box.steps == 2) wakeBooted(box);
  } else if (reply.kind == kInitMarked) {
    if (groups_.markPassed(box.groups)) onPressure(box);
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
  if (groups_.overLimit(box.groups, used)) {
    box.ending.out_of_memory = 1;
    killBox(groups_, box);
  } else {
    watchMemory(box);
  }
}

/// Has the use of memory watched for the mark. Whether it has been passed meanwhile is looked at when that is done.
void Server::watchMemory(Box& box) {
  std::vector<int> files = groups_.watchMark(box.groups);
  if (files.empty()) return;
  InitMark order{kInitMark, 0, box.groups.mark};
  sendPacket(box.control, &order, sizeof order, files.data(), static_cast<int>(files.size()));
  close(files[0]), close(files[2]);
}

void Server::onEnd(Box& box) {
  // An event of a descriptor that was closed and has been given out anew within this round is none of this box.
  pollfd ended{box.pidfd, POLLIN, 0};
  if (poll(&ended, 1, 0) != 1) return;
  // The init's last words may still wait.
  while (box.control >= 0 && !box.is_fork && onControl(box)) {
  }
  if (box.id.empty()) return box.is_boot ? endSpareBoot(box) : endSpareFork(box);
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
  if (box.is_fork) forks_.erase(box.token);
  if (box.is_template) {
    if (auto spare = spare_forks_.extract(box.id); !spare.empty()) {
      for (auto& fork : spare.mapped()) killBox(groups_, *fork), finish(*fork);
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
  Box* parent = templateInNeed();
  std::string what;
  if (!parent) return bootWanted() ? beginBoot() : void();
  if (auto spare = beginFork(*parent, parent->spec, error, what)) {
    spare_forks_[parent->id].push_back(std::move(spare));
  } else {
    ++parent->failures;
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
  if (booted_) all.push_back(std::move(booted_));
  for (auto& [id, forks] : spare_forks_) {
    for (auto& box : forks) all.push_back(std::move(box));
  }
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
