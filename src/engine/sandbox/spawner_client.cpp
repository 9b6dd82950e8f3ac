#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "engine/sandbox/sandbox.h"
#include "spawner/protocol.h"

namespace lectern::sandbox {
namespace {

namespace fs = std::filesystem;
using spawner::Reply;
using spawner::Request;

fs::path findExecutable(const SpawnerOptions& options) {
  if (!options.executable.empty()) return options.executable;
  if (const char* path = getenv("LECTERN_SPAWNER"); path && *path) return path;
  std::error_code ec;
  fs::path self = fs::read_symlink("/proc/self/exe", ec);
  for (fs::path folder = self.parent_path(); !folder.empty() && folder != folder.root_path();
       folder = folder.parent_path()) {
    // Beside the program, or one folder up for test and benchmark programs.
    if (fs::exists(folder / "lectern-spawner", ec)) return folder / "lectern-spawner";
    if (folder == self.parent_path().parent_path()) break;
  }
  return self.parent_path() / "lectern-spawner";
}

/// One message with its file descriptors; empty without one. `closed` is set when the other side is gone.
std::string receive(int socket, std::vector<Fd>& fds, bool& closed) {
  static thread_local std::string buffer(spawner::kMaxMessage, '\0');
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * spawner::kMaxFds)];
  iovec io{buffer.data(), buffer.size()};
  msghdr header{};
  header.msg_iov = &io, header.msg_iovlen = 1;
  header.msg_control = control, header.msg_controllen = sizeof control;
  ssize_t n;
  do n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  closed = n == 0 || (n < 0 && errno != EAGAIN);
  if (n <= 0) return {};
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
      int fd;
      memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return buffer.substr(0, static_cast<size_t>(n));
}

Capabilities toCapabilities(const spawner::Machine& m) {
  Capabilities c;
  c.isolation = static_cast<Isolation>(m.isolation);
  c.root = m.uid == 0;
  c.seccomp = m.seccomp, c.user_namespaces = m.user_namespaces, c.templates = m.templates;
  c.cgroups = m.cgroups, c.controllers = m.controllers;
  if (c.isolation == Isolation::kDegraded) {
    c.message = fmt::format(
        "isolation: degraded ({}): memory and CPU limits are NOT enforced, freeze uses SIGSTOP. Files, pids and "
        "network are isolated. For limits run as root, or: sudo mkdir /sys/fs/cgroup/{{memory,cpu,pids}}/lectern && "
        "sudo "
        "chown -R $USER /sys/fs/cgroup/{{memory,cpu,pids}}/lectern",
        m.reason);
  } else if (c.isolation == Isolation::kNone) {
    c.message = fmt::format("isolation: none ({})", m.reason);
  }
  return c;
}

Result<void> checkSpec(const SandboxSpec& spec) {
  auto bad = [](std::string why) { return fail(Code::kInvalid, "sandbox: " + std::move(why)); };
  if (spec.id.empty() || spec.id.size() > 64) return bad("the id must have 1 to 64 characters");
  for (char c : spec.id) {
    if (!isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_')
      return bad("the id has a character like " + std::string(1, c));
  }
  if (!spec.task_dir.is_absolute()) return bad("the code folder must be an absolute path: " + spec.task_dir.string());
  for (const auto& layer : spec.layers) {
    if (!layer.is_absolute()) return bad("a layer must be an absolute path: " + layer.string());
  }
  for (const auto& mount : spec.mounts) {
    std::string_view name = mount.target;
    if (!name.starts_with("/mnt/") || name.size() > 160 || name.find('/', 5) != name.npos || name.size() == 5 ||
        name.substr(5) == "." || name.substr(5) == "..") {
      return bad("a file system is mounted at /mnt/NAME, not at " + mount.target);
    }
    if (!mount.host_dir.is_absolute())
      return bad("a mounted folder must be an absolute path: " + mount.host_dir.string());
  }
  return {};
}

spawner::Spec toWire(SandboxSpec spec) {
  spawner::Spec wire;
  wire.id = std::move(spec.id), wire.task_dir = spec.task_dir.string();
  for (const auto& layer : spec.layers) wire.layers.push_back(layer.string());
  for (const auto& mount : spec.mounts) {
    wire.mounts.push_back(mount.host_dir.string());
    wire.mounts.push_back(mount.target);
    wire.mounts.push_back(mount.writable ? "rw" : "ro");
  }
  wire.env = std::move(spec.env), wire.command = std::move(spec.command);
  wire.memory_limit = static_cast<uint64_t>(spec.memory_limit.value);
  wire.tmp_size = static_cast<uint64_t>(spec.tmp_size.value);
  wire.cores = static_cast<uint32_t>(spec.visible_cores);
  wire.max_pids = static_cast<uint32_t>(spec.max_pids), wire.max_fds = static_cast<uint32_t>(spec.max_fds);
  wire.boots = spec.boots;
  wire.keep = !spec.keep ? 0 : spec.waiting ? 2 : 1;
  return wire;
}

/// Each sandbox costs the engine some descriptors: take what the hard limit allows.
void raiseFdLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace

Result<std::unique_ptr<Spawner>> Spawner::start(const SpawnerOptions& options) {
  fs::path executable = findExecutable(options);
  if (access(executable.c_str(), X_OK) != 0) {
    return fail(Code::kNotFound, "the program lectern-spawner is missing: " + executable.string() +
                                     " (build it with ./dev build, or set LECTERN_SPAWNER)");
  }
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return failErrno("socketpair", errno);
  Fd ours(pair[0]), theirs(pair[1]);
  raiseFdLimit();
  // 3 is the descriptor that the spawner expects; a dup2 onto itself would keep close-on-exec.
  Fd moved(fcntl(theirs.get(), F_DUPFD_CLOEXEC, 10));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, moved.get(), 3);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, defaults;
  sigemptyset(&none), sigfillset(&defaults);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string path = executable.string(), mode = options.force_none ? "none" : options.first ? "first" : "best";
  std::string keeper = options.keeper.string();
  char* argv[] = {path.data(), mode.data(), keeper.empty() ? nullptr : keeper.data(), nullptr};
  char* environment[] = {nullptr};
  pid_t pid = 0;
  int error = posix_spawn(&pid, path.c_str(), &actions, &attributes, argv, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return failErrno("starting " + path, error);
  theirs.close(), moved.close();

  std::unique_ptr<Spawner> self(new Spawner);
  self->pid_ = pid;
  self->socket_ = std::move(ours);
  pollfd wait{self->socket_.get(), POLLIN, 0};
  if (poll(&wait, 1, 20'000) <= 0) return fail(Code::kTimeout, "the spawner did not report within 20 s");
  std::vector<Fd> fds;
  bool closed = false;
  std::string hello = receive(self->socket_.get(), fds, closed);
  spawner::Reader r(hello);
  if (r.u32() != static_cast<uint32_t>(Reply::kHello)) return fail(Code::kInternal, "the spawner ended at its start");
  self->capabilities_ = toCapabilities(spawner::Machine::read(r));
  if (self->capabilities_.isolation == Isolation::kNone && !options.allow_none && !options.force_none) {
    return fail(Code::kUnavailable,
                self->capabilities_.message + "; refusing to run untrusted code, pass --no-sandbox to go on");
  }
  spawner::Writer w(static_cast<uint32_t>(Request::kPrepare));
  w.u32(static_cast<uint32_t>(std::max(0, options.prepared)));
  self->send(w.bytes());
  return self;
}

Spawner::~Spawner() {
  for (auto& [id, sandbox] : live_) sandbox->owner_ = nullptr;
  socket_.close();
  if (pid_ > 0) {
    // It removes what it made when the socket closes, then ends.
    int status;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
}

void Spawner::send(const std::string& message) {
  if (!socket_.valid()) return;
  ssize_t n;
  do n = ::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n < 0) logError(fmt::format("spawner: send: {}", strerror(errno)));
}

void Spawner::submit(uint32_t type, SandboxSpec spec, const std::string& template_id, Pending pending) {
  std::string id = spec.id;
  auto refuse = [&](Error error) {
    // Told from onReadable(), which the answer to the ping causes.
    refused_.emplace_back(std::move(pending.done), std::move(error));
    send(spawner::Writer(static_cast<uint32_t>(Request::kPing)).bytes());
  };
  if (auto checked = checkSpec(spec); !checked) return refuse(checked.error());
  if (!alive()) return refuse({Code::kUnavailable, "the spawner has ended"});
  if (pending_.contains(id) || live_.contains(id)) return refuse({Code::kExists, "sandbox " + id + " exists"});
  spawner::Writer w(type);
  if (type == static_cast<uint32_t>(Request::kFork)) w.string(template_id);
  pending.max_pids = static_cast<uint32_t>(spec.max_pids), pending.max_fds = static_cast<uint32_t>(spec.max_fds);
  toWire(std::move(spec)).write(w);
  if (w.bytes().size() > spawner::kMaxMessage) {
    return refuse({Code::kTooLarge, "sandbox: environment and command are too large"});
  }
  pending_[id] = std::move(pending);
  send(w.bytes());
}

namespace {

/// Templates and their forks are told so, whatever an ordinary start would be told.
void setSnapStart(SandboxSpec& spec) {
  const std::string name = "AWS_LAMBDA_INITIALIZATION_TYPE=";
  std::erase_if(spec.env, [&](const std::string& variable) { return variable.starts_with(name); });
  spec.env.push_back(name + "snap-start");
}

}  // namespace

void Spawner::spawn(SandboxSpec spec, SpawnCallback done) {
  submit(static_cast<uint32_t>(Request::kSpawn), std::move(spec), "", {std::move(done), {}});
}

void Spawner::prepareBoot(SandboxSpec spec) {
  spawner::Writer w(static_cast<uint32_t>(Request::kPrepareBoot));
  toWire(std::move(spec)).write(w);
  if (w.bytes().size() <= spawner::kMaxMessage) send(w.bytes());
}

void Spawner::spawnTemplate(SandboxSpec spec, SpawnCallback done, TemplateCallback ready) {
  setSnapStart(spec);
  submit(static_cast<uint32_t>(Request::kTemplate), std::move(spec), "", {std::move(done), std::move(ready)});
}

void Spawner::forkTemplate(const std::string& template_id, SandboxSpec spec, SpawnCallback done) {
  setSnapStart(spec);
  submit(static_cast<uint32_t>(Request::kFork), std::move(spec), template_id, {std::move(done), {}});
}

void Spawner::onReadable() {
  for (int i = 0; i < 64 && socket_.valid(); ++i) {
    std::vector<Fd> fds;
    bool closed = false;
    std::string message = receive(socket_.get(), fds, closed);
    if (closed) lost();
    if (message.empty()) break;
    handle(std::move(message), std::move(fds));
  }
  auto refused = std::move(refused_);
  refused_.clear();
  for (auto& [done, error] : refused) done(Failure(std::move(error)));
  while (!late_.empty()) {
    Sandbox* sandbox = late_.back();
    late_.pop_back();
    ExitInfo info = *std::exchange(sandbox->unheard_, std::nullopt);
    if (auto callback = sandbox->on_exit_) callback(info);
  }
}

void Spawner::handle(std::string message, std::vector<Fd> fds) {
  spawner::Reader r(message);
  auto type = static_cast<Reply>(r.u32());
  if (type == Reply::kHello || type == Reply::kPong) return;
  std::string id = r.string();
  if (type == Reply::kStarted || type == Reply::kRefused) {
    auto found = pending_.find(id);
    if (found == pending_.end()) return;
    Pending pending = std::move(found->second);
    pending_.erase(found);
    if (type == Reply::kRefused) {
      int error = static_cast<int>(r.u32());
      return pending.done(failErrno("starting a sandbox: " + r.string(), error));
    }
    std::unique_ptr<Sandbox> sandbox(new Sandbox(this));
    sandbox->id_ = id, sandbox->pid_ = static_cast<int>(r.u32());
    sandbox->max_pids_ = pending.max_pids, sandbox->max_fds_ = pending.max_fds;
    uint32_t bits = r.u32();
    size_t next = 0;
    auto take = [&](uint32_t bit) { return (bits & bit) && next < fds.size() ? std::move(fds[next++]) : Fd(); };
    sandbox->api_listener_ = take(spawner::kFdListener), sandbox->output_ = take(spawner::kFdOutput);
    sandbox->freeze_ = take(spawner::kFdFreeze), sandbox->cpu_quota_ = take(spawner::kFdCpuQuota);
    sandbox->cpu_period_ = take(spawner::kFdCpuPeriod), sandbox->cpu_usage_ = take(spawner::kFdCpuUsage);
    sandbox->memory_peak_ = take(spawner::kFdMemoryPeak), sandbox->memory_current_ = take(spawner::kFdMemoryNow);
    sandbox->version2_ = bits & spawner::kVersion2, sandbox->version2_freeze_ = bits & spawner::kVersion2Freeze;
    live_[id] = sandbox.get();
    if (pending.ready) templates_[id] = std::move(pending.ready);
    return pending.done(std::move(sandbox));
  }
  if (type == Reply::kTemplateDone) {
    auto found = templates_.find(id);
    if (found == templates_.end()) return;
    TemplateCallback ready = std::move(found->second);
    templates_.erase(found);
    bool good = r.u32() == 1;
    return ready(good ? Result<void>() : fail(Code::kUnavailable, r.string()));
  }
  auto found = live_.find(id);
  if (found == live_.end()) return;
  if (type != Reply::kEnded) return handleProcess(uint32_t(type), *found->second, message, std::move(fds));
  Sandbox* sandbox = found->second;
  live_.erase(found);
  sandbox->ended_ = true;
  auto ending = spawner::Ending::read(r);
  ExitInfo info{static_cast<int>(ending.status),
                static_cast<int>(ending.signal),
                ending.out_of_memory != 0,
                static_cast<StartError>(ending.fault),
                Bytes{static_cast<int64_t>(ending.memory_peak)},
                Nanos(static_cast<int64_t>(ending.cpu_nanos))};
  // Copied: the callback may destroy the sandbox and with it itself.
  auto callback = sandbox->on_exit_;
  if (!callback) {
    sandbox->unheard_ = info;
    return;
  }
  callback(info);
}

void Spawner::lost() {
  socket_.close();
  logError("the spawner has ended; all sandboxes are gone");
  // Reaped at once: by its process the next spawner knows whether the groups it finds are still in use.
  for (int status; pid_ > 0 && waitpid(pid_, &status, 0) < 0 && errno == EINTR;) {
  }
  pid_ = 0;
  auto pending = std::move(pending_);
  pending_.clear();
  for (auto& [id, p] : pending) p.done(fail(Code::kUnavailable, "the spawner has ended"));
  for (auto& [id, sandbox] : live_) sandbox->ended_ = true;
  // One at a time from the map: a callback may destroy any sandbox, which takes itself out of it.
  while (!live_.empty()) {
    Sandbox* sandbox = live_.begin()->second;
    live_.erase(live_.begin());
    sandbox->owner_ = nullptr;
    ExitInfo info;
    info.signal = SIGKILL;
    if (auto callback = sandbox->on_exit_) callback(info);
  }
}

}  // namespace lectern::sandbox
