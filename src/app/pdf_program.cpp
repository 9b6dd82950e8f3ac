#include "app/pdf_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"

extern char** environ;

namespace lectern::app {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr rlim_t kMemoryBytes = RLIM_INFINITY;  // sanitizers reserve terabytes of addresses
#else
constexpr rlim_t kMemoryBytes = 2ull << 30;
#endif

/// Reads the program's standard output to its end, at most 4 MiB; false when the time is over first.
bool readAll(int fd, int seconds, std::string& out) {
  const RealClock clock;
  const SteadyTime end = clock.now() + Seconds(seconds);
  char buffer[1 << 14];
  while (out.size() < (4u << 20)) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock.now()).count();
    pollfd wait{fd, POLLIN, 0};
    const int ready = left > 0 ? poll(&wait, 1, static_cast<int>(left)) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    out.append(buffer, static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

Result<Rendered> renderWithProgram(const std::filesystem::path& pdf, const std::filesystem::path& out, int first,
                                   int last, int seconds) {
  TRY(const auto bundle, functionBundle("pdf"));
  const std::string program = bundle / "bootstrap";
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return failErrno("pipe", errno);
  Fd reading(ends[0]), writing(ends[1]);
  std::vector<std::string> words = {
      program, "render", pdf.string(), out.string(), std::to_string(first), std::to_string(last), "0"};
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, writing.get(), STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  const int spawned = posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  writing.close();
  if (spawned != 0) return failErrno("start " + program, spawned);
  const auto most = static_cast<rlim_t>(seconds);
  const rlimit memory{kMemoryBytes, kMemoryBytes}, cpu{most, most};
  prlimit(pid, RLIMIT_AS, &memory, nullptr);
  prlimit(pid, RLIMIT_CPU, &cpu, nullptr);
  std::string answer;
  const bool in_time = readAll(reading.get(), seconds, answer);
  if (!in_time) kill(pid, SIGKILL);
  reading.close();
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) {
    return fail(Code::kTimeout, fmt::format("its renderer gave no answer within {} s; it was stopped (--page-timeout "
                                            "gives it longer)",
                                            seconds));
  }
  if (WIFSIGNALED(status)) return fail(Code::kCorrupt, "its renderer failed; the PDF is damaged or far too large");
  if (answer.empty())
    return fail(Code::kInternal, fmt::format("its renderer failed with exit status {}", WEXITSTATUS(status)));
  return renderedFromJson(answer);
}

}  // namespace lectern::app
