#include "sdk/template.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include "spawner/template_protocol.h"

namespace lectern::sdk {
namespace {

using namespace lectern::spawner;

int templateFd() {
  const char* text = getenv("LECTERN_TEMPLATE_FD");
  return text ? atoi(text) : -1;
}

void report(uint32_t kind, int value, const std::string& text) {
  TemplateReport r{};
  r.kind = kind, r.value = value;
  memcpy(r.text, text.data(), text.size() < sizeof r.text - 1 ? text.size() : sizeof r.text - 1);
  while (send(templateFd(), &r, sizeof r, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

struct Order {
  ForkOrder head{};
  std::vector<int> fds;  // mnt, net, ipc, uts, pid, output, wake, joins...
};
constexpr size_t kPids = 4, kOutput = 5, kWake = 6, kJoins = 7;

bool receiveOrder(Order& order) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 32)];
  iovec io{&order.head, sizeof order.head};
  msghdr header{};
  header.msg_iov = &io, header.msg_iovlen = 1, header.msg_control = control, header.msg_controllen = sizeof control;
  ssize_t n;
  do n = recvmsg(templateFd(), &header, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n != static_cast<ssize_t>(sizeof order.head)) return false;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int), old = order.fds.size();
    order.fds.resize(old + count);
    memcpy(order.fds.data() + old, CMSG_DATA(c), count * sizeof(int));
  }
  return order.fds.size() >= kJoins;
}

void dropCapabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2]{};
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  syscall(SYS_capset, &header, none);
}

/// A copy must not repeat the random numbers of its siblings.
void reseed() {
  unsigned short seed[3];
  unsigned number = 0;
  if (getrandom(&number, sizeof number, 0) != sizeof number || getrandom(seed, sizeof seed, 0) != sizeof seed)
    _exit(1);
  srand(number), srandom(number ^ 0x9e3779b9u), seed48(seed);
}

/// Waits until the instance is wanted, and takes its variables over.
void awaitGo(int wake) {
  static char buffer[160 * 1024];
  ssize_t n;
  do n = recv(wake, buffer, sizeof buffer, 0);
  while (n < 0 && errno == EINTR);
  if (n <= 0) _exit(0);  // nobody wants it any more
  const char *at = buffer, *end = buffer + n;
  while (at < end) {
    std::string variable(at, strnlen(at, static_cast<size_t>(end - at)));
    at += variable.size() + 1;
    size_t equals = variable.find('=');
    if (equals != std::string::npos) setenv(variable.substr(0, equals).c_str(), variable.c_str() + equals + 1, 1);
  }
  memset(buffer, 0, static_cast<size_t>(n));
}

/// In the child: moves into the sandbox that was made for it. Ends the process when anything fails, since it would
/// have the template's files and network.
void enterSandbox(const Order& order) {
  // The groups first, so that what is written from now on is charged to this instance.
  for (size_t i = kJoins; i < order.fds.size(); ++i) {
    if (write(order.fds[i], "0", 1) != 1) _exit(121);
  }
  const int kinds[4] = {CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS};
  for (int i = 0; i < 4; ++i) {
    if (setns(order.fds[static_cast<size_t>(i)], kinds[i]) != 0) _exit(122);
  }
  if (chdir("/var/task") != 0) _exit(123);
  setsid();
  dup2(order.fds[kOutput], 1), dup2(order.fds[kOutput], 2);
  for (size_t i = 0; i < order.fds.size(); ++i) {
    if (i != kWake) close(order.fds[i]);
  }
  close(templateFd());
  dropCapabilities();
  unsetenv("LECTERN_TEMPLATE_FD");
  awaitGo(order.fds[kWake]);
  close(order.fds[kWake]);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGCHLD, SIG_DFL);
  reseed();
}

}  // namespace

bool startedAsTemplate() { return templateFd() >= 0; }

void refuseTemplate(const std::string& reason) { report(kTemplateCannot, 0, reason); }

std::string whyNotForkable() {
  int threads = 0;
  if (DIR* dir = opendir("/proc/self/task")) {
    while (dirent* entry = readdir(dir)) threads += entry->d_name[0] != '.';
    closedir(dir);
  }
  if (threads > 1) return "it has " + std::to_string(threads) + " threads, and a fork takes only one along";
  if (DIR* dir = opendir("/tmp")) {
    std::string left;
    while (dirent* entry = readdir(dir)) {
      if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) left = entry->d_name;
    }
    closedir(dir);
    if (!left.empty()) return "its init left files in /tmp (" + left + "), and each copy has a /tmp of its own";
  }
  return {};
}

void serveForks() {
  fcntl(templateFd(), F_SETFD, FD_CLOEXEC);
  int own_pids = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
  sigset_t child_signal, before;
  sigemptyset(&child_signal), sigaddset(&child_signal, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_signal, &before);
  sigdelset(&before, SIGCHLD);
  struct sigaction action {};
  action.sa_handler = [](int) {};  // only to interrupt the wait
  sigaction(SIGCHLD, &action, nullptr);
  malloc_trim(0);
  std::map<pid_t, std::string> children;
  report(kTemplateParked, 0, "");
  for (;;) {
    pollfd wait{templateFd(), POLLIN, 0};
    int ready = ppoll(&wait, 1, nullptr, &before);
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (auto found = children.find(pid); found != children.end()) {
        report(kTemplateChildEnded, status, found->second);
        children.erase(found);
      }
    }
    if (ready <= 0) continue;
    Order order;
    if (!receiveOrder(order)) _exit(0);  // the spawner is gone
    int error = 0;
    pid_t pid = -1;
    if (setns(order.fds[kPids], CLONE_NEWPID) != 0) {
      error = errno;
    } else {
      fflush(nullptr);
      pid = fork();
      if (pid == 0) {
        close(own_pids);
        return enterSandbox(order);
      }
      error = pid < 0 ? errno : 0;
      setns(own_pids, CLONE_NEWPID);
    }
    for (int fd : order.fds) close(fd);
    std::string token(order.head.token, strnlen(order.head.token, sizeof order.head.token));
    if (pid > 0) children[pid] = token;
    report(kTemplateForked, error, token);
  }
}

}  // namespace lectern::sdk
