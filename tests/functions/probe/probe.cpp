// A function that tests ask about the world it sees. The event is one word, the answer is text.
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>
#include <vector>

#include "sdk/lectern.h"

namespace {

int counter = 0;

std::string list(const char* path) {
  std::string names;
  if (DIR* dir = opendir(path)) {
    while (dirent* entry = readdir(dir)) {
      if (entry->d_name[0] != '.') names += std::string(entry->d_name) + " ";
    }
    closedir(dir);
  }
  return names;
}

std::string processes() {
  std::string names;
  if (DIR* dir = opendir("/proc")) {
    while (dirent* entry = readdir(dir)) {
      if (atoi(entry->d_name) > 0) names += std::string(entry->d_name) + " ";
    }
    closedir(dir);
  }
  return names;
}

std::string status(const char* key) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(key, 0) == 0) return line.substr(strlen(key) + 1);
  }
  return "";
}

std::string listenOn7777() {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET, address.sin_port = htons(7777), address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && listen(fd, 1) == 0 ? "yes" : "no";
}

/// A name without a file belongs to the network namespace.
std::string listenAbstract() {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, "\0probe", 6);
  return bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? "yes" : "no";
}

std::string answer(const std::string& question) {
  if (question == "count") return std::to_string(++counter);
  if (question == "rand") return std::to_string(rand()) + " " + std::to_string(random());
  if (question == "entropy") {
    uint64_t bytes = 0;
    if (getrandom(&bytes, sizeof bytes, 0) != sizeof bytes) return "failed";
    return std::to_string(std::random_device{}()) + " " + std::to_string(drand48()) + " " + std::to_string(bytes);
  }
  if (question == "abstract") return listenAbstract();
  if (question == "tmp") return list("/tmp");
  if (question == "write") return std::ofstream("/tmp/mine") << "x" ? "ok" : "failed";
  if (question == "pid") return std::to_string(getpid());
  if (question == "processes") return processes();
  if (question == "listen") return listenOn7777();
  if (question == "capabilities") return status("CapEff:");
  if (question == "fds") return list("/proc/self/fd");
  if (question == "env") return getenv("STREAM") ? getenv("STREAM") : "";
  if (question == "opt") return list("/opt");
  if (question == "mnt") return list("/mnt/data");
  if (question == "tmpsize") {
    struct statvfs info {};
    statvfs("/tmp", &info);
    return std::to_string(info.f_blocks * info.f_frsize >> 20);
  }
  if (question == "exit") exit(3);
  if (question == "crash") abort();
  if (question == "print") return printf("printed\n"), fflush(stdout), "ok";
  if (question == "grow") {
    std::vector<std::string> all;
    for (int i = 0; i < 400; ++i) all.emplace_back(1 << 20, static_cast<char>('a' + i % 20));
    return std::to_string(all.size());
  }
  return "?";
}

}  // namespace

int main() {
  printf("init\n");
  fflush(stdout);
  counter = 100;
  srand(1), srandom(1);
  if (getenv("NO_FORK")) {
    const rlimit one{1, 1};
    setrlimit(RLIMIT_NPROC, &one);
  }
  if (getenv("FAIL_INIT")) lectern::failInit("Probe.Init", "asked to fail");
  std::thread other;
  if (getenv("THREADS")) other = std::thread([] { pause(); });
  lectern::onBeforeSnapshot([] { counter += 10; });
  lectern::onAfterRestore([] {
    counter += 1000;
    if (getenv("FAIL_RESTORE")) throw lectern::FunctionError("Probe.Restore", "asked to fail");
  });
  if (getenv("LEAVE_FILE")) std::ofstream("/tmp/left") << "x";
  lectern::run([](std::string event, const lectern::Context&) { return answer(event); });
}
