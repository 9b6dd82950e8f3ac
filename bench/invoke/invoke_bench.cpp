// Invocations through `lectern serve`, against a raw chain of three processes over TCP in the same run.
//
//   invoke_bench LECTERN ECHO_DIR [--seconds 3] [--no-sandbox]
//   invoke_bench --load PORT FUNCTION CONNECTIONS SECONDS     only invocations of 100 B; prints how many
//
// The raw chain is client, relay and leaf, each forwarding what it reads: the floor for any engine between a client
// and a function's process. Prints one line of JSON a measurement; times are microseconds.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Micros = std::chrono::duration<double, std::micro>;

[[noreturn]] void die(const char* what) {
  perror(what);
  exit(1);
}

int listenOn(int& port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {}};
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) || listen(fd, 64)) die("listen");
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}

int connectTo(int port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  sockaddr_in address{AF_INET, htons(uint16_t(port)), {htonl(INADDR_LOOPBACK)}, {}};
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address)) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

bool readAll(int fd, char* data, size_t size) {
  while (size > 0) {
    ssize_t n = recv(fd, data, size, 0);
    if (n <= 0) return false;
    data += n;
    size -= size_t(n);
  }
  return true;
}

bool writeAll(int fd, const char* data, size_t size) {
  while (size > 0) {
    ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
    if (n <= 0) return false;
    data += n;
    size -= size_t(n);
  }
  return true;
}

/// Role of a child: answers (`next` 0) or forwards messages of `size` bytes on one connection.
int relay(int listener, int next, size_t size) {
  int one = 1, onward = next ? connectTo(next) : -1;
  int fd = accept(listener, nullptr, nullptr);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  std::vector<char> buffer(size);
  while (readAll(fd, buffer.data(), size)) {
    if (onward >= 0 && (!writeAll(onward, buffer.data(), size) || !readAll(onward, buffer.data(), size))) break;
    if (!writeAll(fd, buffer.data(), size)) break;
  }
  return 0;
}

struct Child {
  pid_t pid = 0;
  ~Child() {
    if (pid <= 0) return;
    kill(pid, SIGTERM);
    waitpid(pid, nullptr, 0);
  }
};

pid_t spawnProgram(std::vector<std::string> command, int output = -1) {
  std::vector<char*> argv;
  for (auto& text : command) argv.push_back(text.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (output >= 0) posix_spawn_file_actions_adddup2(&actions, output, 1);
  pid_t pid = 0;
  if (posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ) != 0) die(argv[0]);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

struct Times {
  std::vector<double> micros;
  void add(Clock::time_point from) { micros.push_back(Micros(Clock::now() - from).count()); }
  double at(double share) {
    if (micros.empty()) return 0;
    std::sort(micros.begin(), micros.end());
    return micros[size_t(share * double(micros.size() - 1))];
  }
  std::string text() {
    char out[200];
    snprintf(out, sizeof out, "\"n\":%zu,\"min\":%.1f,\"p50\":%.1f,\"p99\":%.1f", micros.size(), at(0), at(0.5),
             at(0.99));
    return out;
  }
};

Times rawChain(const std::string& self, size_t size, double seconds) {
  int leaf_port = 0, relay_port = 0;
  int leaf_fd = listenOn(leaf_port), relay_fd = listenOn(relay_port);
  auto role = [&](int fd, int next) {
    return std::vector<std::string>{self, "--relay", std::to_string(fd), std::to_string(next), std::to_string(size)};
  };
  Child leaf{spawnProgram(role(leaf_fd, 0))}, middle{spawnProgram(role(relay_fd, leaf_port))};
  int fd = connectTo(relay_port);
  std::vector<char> message(size, 'x');
  Times times;
  for (auto start = Clock::now(); Micros(Clock::now() - start).count() < seconds * 1e6;) {
    auto from = Clock::now();
    if (!writeAll(fd, message.data(), size) || !readAll(fd, message.data(), size)) die("raw chain");
    times.add(from);
  }
  close(fd);
  close(leaf_fd);
  close(relay_fd);
  return times;
}

/// Sends one prepared request and reads the answer; false when it is not a 200.
bool roundTrip(int fd, const std::string& request, std::vector<char>& buffer) {
  if (!writeAll(fd, request.data(), request.size())) return false;
  size_t have = 0;
  for (;;) {
    if (have == buffer.size()) buffer.resize(have * 2);
    ssize_t n = recv(fd, buffer.data() + have, buffer.size() - have, 0);
    if (n <= 0) return false;
    have += size_t(n);
    std::string_view seen(buffer.data(), std::min<size_t>(have, 4096));
    size_t end = seen.find("\r\n\r\n");
    if (end == std::string_view::npos) continue;
    size_t length = strtoull(seen.data() + seen.find("Content-Length: ") + 16, nullptr, 10);
    if (have >= end + 4 + length) return seen.starts_with("HTTP/1.1 200") && seen.find("Function-Error") > end;
  }
}

std::string requestOf(size_t payload, const std::string& function = "echo") {
  std::string body = "\"" + std::string(payload - 2, 'x') + "\"";
  return "POST /2015-03-31/functions/" + function +
         "/invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

Times invokes(int port, size_t payload, double seconds) {
  int fd = connectTo(port);
  std::string request = requestOf(payload);
  std::vector<char> buffer(payload + 8192);
  for (int i = 0; i < 20; ++i) {
    if (!roundTrip(fd, request, buffer)) die("invoke");
  }
  Times times;
  for (auto start = Clock::now(); Micros(Clock::now() - start).count() < seconds * 1e6;) {
    auto from = Clock::now();
    if (!roundTrip(fd, request, buffer)) die("invoke");
    times.add(from);
  }
  close(fd);
  return times;
}

double throughput(int port, int connections, double seconds, const std::string& function = "echo") {
  std::string request = requestOf(100, function);
  std::vector<std::thread> threads;
  std::vector<long> counts(static_cast<size_t>(connections));
  auto start = Clock::now();
  for (int i = 0; i < connections; ++i) {
    threads.emplace_back([&, i] {
      int fd = connectTo(port);
      std::vector<char> buffer(8192);
      while (Micros(Clock::now() - start).count() < (seconds + 1) * 1e6) {
        if (!roundTrip(fd, request, buffer)) die("invoke");
        if (Micros(Clock::now() - start).count() > 1e6) ++counts[size_t(i)];  // the first second starts the instances
      }
      close(fd);
    });
  }
  for (auto& thread : threads) thread.join();
  long total = 0;
  for (long count : counts) total += count;
  return double(total) / seconds;
}

/// First invocations of functions that never ran, request to response.
Times coldStarts(int port, int functions) {
  int fd = connectTo(port);
  std::vector<char> buffer(8192);
  Times times;
  for (int i = 0; i < functions; ++i) {
    std::string request = requestOf(100, "cold" + std::to_string(i));
    auto from = Clock::now();
    if (!roundTrip(fd, request, buffer)) die("cold invoke");
    times.add(from);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // prepared sandboxes are made anew meanwhile
  }
  close(fd);
  return times;
}

struct Served {
  Child process;
  int port = 0;
  std::filesystem::path folder;
  ~Served() {
    if (process.pid > 0) kill(process.pid, SIGTERM), waitpid(process.pid, nullptr, 0), process.pid = 0;
    std::filesystem::remove_all(folder);
  }
};

void serve(Served& out, const std::string& lectern, const std::string& echo, int cold, bool sandbox) {
  char name[] = "/tmp/lectern-bench-XXXXXX";
  out.folder = mkdtemp(name);
  std::filesystem::copy(echo, out.folder / "echo", std::filesystem::copy_options::recursive);
  std::ofstream yml(out.folder / "serverless.yml");
  yml << "service: bench\nprovider:\n  name: aws\n  runtime: provided.al2023\n  memorySize: 1769\n  timeout: 30\n"
         "package:\n  artifact: echo\nfunctions:\n  echo:\n    handler: bootstrap\n    name: echo\n";
  for (int i = 0; i < cold; ++i) yml << "  cold" << i << ":\n    handler: bootstrap\n    name: cold" << i << "\n";
  yml.close();
  int fds[2];
  if (pipe(fds)) die("pipe");
  std::vector<std::string> command = {lectern,    "serve",      "--config", (out.folder / "serverless.yml").string(),
                                      "--listen", "127.0.0.1:0"};
  if (!sandbox) command.push_back("--no-sandbox");
  out.process.pid = spawnProgram(command, fds[1]);
  close(fds[1]);
  FILE* lines = fdopen(fds[0], "r");
  if (fscanf(lines, "listening on http://127.0.0.1:%d", &out.port) != 1) die("lectern serve");
  fclose(lines);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 5 && strcmp(argv[1], "--relay") == 0) {
    return relay(atoi(argv[2]), atoi(argv[3]), strtoull(argv[4], nullptr, 10));
  }
  if (argc == 6 && strcmp(argv[1], "--load") == 0) {
    double seconds = atof(argv[5]);
    printf("%.0f\n", throughput(atoi(argv[2]), atoi(argv[4]), seconds, argv[3]) * seconds);
    return 0;
  }
  if (argc < 3) {
    fprintf(stderr, "usage: invoke_bench LECTERN ECHO_DIR [--seconds S] [--no-sandbox]\n");
    return 2;
  }
  double seconds = 2;
  bool sandbox = true;
  for (int i = 3; i < argc; ++i) {
    if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) seconds = atof(argv[i + 1]);
    if (strcmp(argv[i], "--no-sandbox") == 0) sandbox = false;
  }
  signal(SIGPIPE, SIG_IGN);
  constexpr int kCold = 40;
  Served served;
  serve(served, argv[1], argv[2], kCold, sandbox);
  for (size_t size : {size_t(100), size_t(1) << 20}) {
    // Turn about, so that a change of the machine's load hits both.
    Times raw, warm;
    for (int round = 0; round < 4; ++round) {
      auto a = rawChain("/proc/self/exe", size, seconds / 4);
      auto b = invokes(served.port, size, seconds / 4);
      raw.micros.insert(raw.micros.end(), a.micros.begin(), a.micros.end());
      warm.micros.insert(warm.micros.end(), b.micros.begin(), b.micros.end());
    }
    printf("{\"name\":\"raw_chain\",\"bytes\":%zu,%s}\n", size, raw.text().c_str());
    printf("{\"name\":\"warm_invoke\",\"bytes\":%zu,%s,\"ratio_p50\":%.2f}\n", size, warm.text().c_str(),
           warm.at(0.5) / raw.at(0.5));
  }
  printf("{\"name\":\"throughput\",\"connections\":16,\"per_second\":%.0f}\n", throughput(served.port, 16, seconds));
  printf("{\"name\":\"cold_start\",%s}\n", coldStarts(served.port, kCold).text().c_str());
  return 0;
}
