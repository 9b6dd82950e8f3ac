#include "spawner/plain.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>

#include "spawner/system.h"

namespace lectern::spawner {
namespace {

struct Plain {
  const Spec* spec;
  int output;
  std::vector<std::vector<char*>> commands;  // tried in order
  std::vector<char*> environment;
  int exec_error = 0;
};

void limitTo(int which, rlim_t value) {
  rlimit limit{value, value};
  setrlimit(static_cast<__rlimit_resource>(which), &limit);
}

[[noreturn]] void becomeProcess(void* argument) {
  auto& plain = *static_cast<Plain*>(argument);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setsid();
  setpriority(PRIO_PROCESS, 0, 0);
  int null = open("/dev/null", O_RDONLY);
  dup2(null, 0), dup2(plain.output, 1), dup2(plain.output, 2);
  syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);
  (void)!chdir(plain.spec->task_dir.c_str());
  limitTo(RLIMIT_NOFILE, plain.spec->max_fds);
  limitTo(RLIMIT_CORE, 0);
  // Bounds a runaway program; mapped files and reservations are not counted, so it is no exact memory limit.
  if (plain.spec->memory_limit > 0) limitTo(RLIMIT_DATA, 2 * plain.spec->memory_limit);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  for (auto& command : plain.commands) {
    execve(command[0], command.data(), plain.environment.data());
    plain.exec_error = errno;
    if (errno != ENOENT) break;
  }
  _exit(127);
}

int listenOnHost(uint16_t& port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET, address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd, 64) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return -errno;
  }
  port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

std::unique_ptr<Box> startPlain(const Host& host, const Spec& spec, int output, int& error, std::string& what,
                                StartFault& program_fault) {
  auto box = std::make_unique<Box>();
  uint16_t port = 0;
  box->listener = listenOnHost(port);
  if (box->listener < 0) return error = -box->listener, what = "listening on 127.0.0.1", nullptr;
  std::vector<std::string> environment;
  for (const auto& variable : spec.env) {
    environment.push_back(variable.starts_with("LAMBDA_TASK_ROOT=") ? "LAMBDA_TASK_ROOT=" + spec.task_dir : variable);
  }
  environment.push_back("AWS_LAMBDA_RUNTIME_API=127.0.0.1:" + std::to_string(port));
  if (!host.keeper.empty()) environment.push_back(keeperVariable(host.keeper));
  std::vector<std::vector<std::string>> commands;
  if (!spec.command.empty()) {
    commands.push_back(spec.command);
    if (commands[0][0].starts_with("/var/task/")) commands[0][0] = spec.task_dir + commands[0][0].substr(9);
  } else {
    commands.push_back({spec.task_dir + "/bootstrap"});
    for (auto layer = spec.layers.rbegin(); layer != spec.layers.rend(); ++layer)
      commands.push_back({*layer + "/bootstrap"});
  }
  Plain plain{&spec, output};
  for (auto& text : environment) plain.environment.push_back(text.data());
  plain.environment.push_back(nullptr);
  for (auto& command : commands) {
    std::vector<char*> list;
    for (auto& text : command) list.push_back(text.data());
    list.push_back(nullptr);
    plain.commands.push_back(std::move(list));
  }
  long pid = cloneProcess(CLONE_PIDFD, -1, &box->pidfd, becomeProcess, &plain);
  if (pid < 0) return error = static_cast<int>(-pid), what = "starting a process", nullptr;
  box->pid = static_cast<int>(pid);
  if (plain.exec_error == ENOENT) program_fault = StartFault::kNoBootstrap;
  if (plain.exec_error != 0 && plain.exec_error != ENOENT) program_fault = StartFault::kNotExecutable;
  return box;
}

void signalPlain(const Box& box, int signal) { kill(-box.pid, signal); }

}  // namespace lectern::spawner
