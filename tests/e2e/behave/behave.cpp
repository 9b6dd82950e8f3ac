// A function that does what its event says, well or badly: {"do":"sleep","ms":100}.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "sdk/lectern.h"

namespace {

std::string textAt(const std::string& event, const std::string& key) {
  size_t at = event.find("\"" + key + "\"");
  if (at == std::string::npos) return "";
  at = event.find(':', at) + 1;
  while (event[at] == ' ') ++at;
  if (event[at] == '"') return event.substr(at + 1, event.find('"', at + 1) - at - 1);
  return event.substr(at, event.find_first_of(",}", at) - at);
}

int numberAt(const std::string& event, const std::string& key) { return atoi(textAt(event, key).c_str()); }

volatile long background = 0;

void eatMemory(int megabytes) {
  std::vector<char*> kept;
  for (int i = 0; i < megabytes; ++i) {
    char* block = static_cast<char*>(malloc(1 << 20));
    if (!block) return;
    memset(block, i + 1, 1 << 20);
    kept.push_back(block);
  }
  for (char* block : kept) free(block);
}

std::string tmpCounter() {
  int count = 0;
  if (FILE* file = fopen("/tmp/count", "r")) {
    if (fscanf(file, "%d", &count) != 1) count = 0;
    fclose(file);
  }
  if (FILE* file = fopen("/tmp/count", "w")) {
    fprintf(file, "%d", count + 1);
    fclose(file);
  }
  return std::to_string(count + 1);
}

std::string handle(const std::string& event, const lectern::Context& context, int invocation) {
  std::string what = textAt(event, "do");
  int n = numberAt(event, "n");
  if (what == "sleep") std::this_thread::sleep_for(std::chrono::milliseconds(numberAt(event, "ms")));
  if (what == "error") throw lectern::FunctionError("Behave.Asked", "as asked");
  if (what == "exit") _exit(n);
  if (what == "crash") raise(SIGSEGV);
  if (what == "memory") eatMemory(n);
  if (what == "print") {
    for (int i = 0; i < n; ++i) printf("line %d of what the function prints\n", i);
    fflush(stdout);
  }
  if (what == "size") return "\"" + std::string(size_t(n) - 2, 'x') + "\"";
  if (what == "environment") {
    const char* value = getenv(textAt(event, "name").c_str());
    return value ? "\"" + std::string(value) + "\"" : "null";
  }
  if (what == "context") {
    return "{\"arn\":\"" + context.invoked_function_arn +
           "\",\"client\":" + (context.client_context.empty() ? "null" : context.client_context) +
           ",\"left\":" + std::to_string(context.remainingMillis()) + "}";
  }
  if (what == "count") return std::to_string(invocation);
  if (what == "tmp") return tmpCounter();
  if (what == "background") return std::to_string(background);
  if (what == "write") {
    std::string path = textAt(event, "path");
    FILE* file = fopen(path.c_str(), "w");
    if (!file) return "\"" + std::string(strerror(errno)) + "\"";
    fclose(file);
    return "\"written\"";
  }
  return event;
}

}  // namespace

int main() {
  const char* init = getenv("BEHAVE_INIT");
  std::string how = init ? init : "";
  if (how == "exit") return 7;
  if (how == "slow") std::this_thread::sleep_for(std::chrono::seconds(60));
  if (how == "background") {
    static std::thread counter([] {
      for (;;) {
        background = background + 1;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  }
  int invocation = 0;
  if (how == "stream") {
    lectern::runStreaming([&](std::string event, lectern::ResponseStream& out, const lectern::Context&) {
      out.setContentType("text/plain");
      for (int i = 0; i < numberAt(event, "n"); ++i) out.write("piece " + std::to_string(i) + "\n");
      if (textAt(event, "do") == "error") throw lectern::FunctionError("Behave.Late", "after the first piece");
    });
  }
  lectern::run(
      [&](std::string event, const lectern::Context& context) { return handle(event, context, ++invocation); });
}
