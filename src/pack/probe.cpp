#include "pack/probe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <csignal>
#include <optional>

#include "base/files.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loop.h"

namespace lectern::pack {

namespace {
constexpr Nanos kLook{20'000'000};  // how often the process is looked at
constexpr uint64_t kAnswerLimit = 64 << 20;

class Probe {
 public:
  explicit Probe(const ProbeSpec& spec)
      : spec_(spec), server_(loop_, {.body_limit = kAnswerLimit}, [this](auto exchange) { handle(std::move(exchange)); }) {}

  Result<std::string> run() {
    TRY(const int port, server_.listen("127.0.0.1", 0));
    TRY(const auto folder, TempDir::create("lectern-probe-"));
    output_ = folder.path() / "output";
    TRY_VOID(start(port));
    deadline_ = loop_.now() + spec_.timeout;
    look();
    loop_.run();
    if (!ended_) {
      kill(-pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    server_.closeAll();
    if (answer_) return std::move(*answer_);
    const auto text = readFile(output_, mebibytes(16)).value_or("");
    const std::string last = text.substr(text.size() - std::min<size_t>(text.size(), 600));
    return fail(Code::kUnavailable, problem_ + (last.empty() ? "" : "; it wrote: " + last));
  }

 private:
  Result<void> start(int port) {
    std::vector<std::string> environment = spec_.environment;
    environment.push_back(fmt::format("AWS_LAMBDA_RUNTIME_API=127.0.0.1:{}", port));
    const auto pointers = [](std::vector<std::string>& texts) {
      std::vector<char*> out;
      for (auto& text : texts) out.push_back(text.data());
      out.push_back(nullptr);
      return out;
    };
    std::vector<std::string> command = spec_.command;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, output_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const int error = posix_spawn(&pid_, command[0].c_str(), &actions, &attributes, pointers(command).data(),
                                  pointers(environment).data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error == 0 ? Result<void>() : failErrno("start " + command[0], error);
  }

  void look() {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      ended_ = true;
      problem_ = WIFSIGNALED(status) ? fmt::format("the process ended by signal {}", WTERMSIG(status))
                                     : fmt::format("the process ended with status {}", WEXITSTATUS(status));
      loop_.stop();
    } else if (loop_.now() > deadline_) {
      problem_ = "no answer in time";
      loop_.stop();
    } else if (spec_.emulator_port > 0 && askEmulator()) {
      loop_.stop();
    } else {
      loop_.after(kLook, [this] { look(); });
    }
  }

  /// False: it does not listen yet. An error that the function reports is in the body, as Lambda's.
  bool askEmulator() {
    net::HttpClient client("127.0.0.1", spec_.emulator_port);
    net::ClientRequest request;
    request.method = "POST";
    request.target = "/2015-03-31/functions/function/invocations";
    request.body = spec_.event;
    request.timeout = spec_.timeout;
    auto response = client.send(request);
    if (!response && response.error().code == Code::kUnavailable) return false;
    if (!response) {
      problem_ = response.error().message;
    } else if (response->status != 200) {
      problem_ = fmt::format("status {}: {}", response->status, response->body.substr(0, 600));
    } else {
      answer_ = std::move(response->body);
    }
    return true;
  }

  void handle(std::shared_ptr<net::Exchange> exchange) {
    const std::string& target = exchange->request.target;
    if (target.ends_with("/invocation/next")) {
      if (given_) {  // waits for a second event that never comes
        parked_.push_back(std::move(exchange));
        return;
      }
      given_ = true;
      net::Response response(200, "application/json", spec_.event);
      response.headers.add("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000000");
      const int64_t end = loop_.clock().wall().epoch_millis + spec_.timeout.count() / 1'000'000;
      response.headers.add("Lambda-Runtime-Deadline-Ms", std::to_string(end));
      response.headers.add("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:verify");
      exchange->respond(std::move(response));
      return;
    }
    exchange->respond(net::Response(202, "application/json", "{}"));
    if (target.ends_with("/response")) {
      answer_ = std::move(exchange->request.body);
    } else if (target.ends_with("/error")) {
      problem_ = "it reported an error: " + exchange->request.body.substr(0, 600);
    } else {
      return;
    }
    loop_.stop();
  }

  const ProbeSpec& spec_;
  net::Loop loop_;
  std::vector<std::shared_ptr<net::Exchange>> parked_;
  net::HttpServer server_;
  std::filesystem::path output_;
  pid_t pid_ = -1;
  SteadyTime deadline_;
  bool given_ = false, ended_ = false;
  std::optional<std::string> answer_;
  std::string problem_;
};
}  // namespace

Result<std::string> probe(const ProbeSpec& spec) { return Probe(spec).run(); }

}  // namespace lectern::pack
