// The loop over the Runtime API, against a small server in this process; the function runs in a child.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "sdk/lectern.h"

namespace lectern {
namespace {

using ::testing::HasSubstr;

class RuntimeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET, address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(listen(listener_, 8), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  void TearDown() override {
    if (child_ > 0) kill(child_, SIGKILL), waitpid(child_, nullptr, 0);
    close(listener_), close(connection_);
  }

  template <typename Body>
  void startFunction(Body body) {
    child_ = fork();
    if (child_ == 0) {
      setenv("AWS_LAMBDA_RUNTIME_API", address_.c_str(), 1);
      body();
      _exit(0);
    }
    connection_ = accept(listener_, nullptr, nullptr);
  }

  /// Reads until the text has come.
  std::string expect(const std::string& text) {
    char buffer[65536];
    while (received_.find(text) == std::string::npos) {
      ssize_t n = read(connection_, buffer, sizeof buffer);
      if (n <= 0) break;
      received_.append(buffer, static_cast<size_t>(n));
    }
    size_t end = received_.find(text);
    EXPECT_NE(end, std::string::npos) << "wanted " << text << ", got " << received_;
    if (end == std::string::npos) return {};
    std::string taken = received_.substr(0, end + text.size());
    received_.erase(0, taken.size());
    return taken;
  }

  void reply(const std::string& head, const std::string& body) {
    std::string text = "HTTP/1.1 " + head + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    for (size_t sent = 0; sent < text.size();) {
      ssize_t n = write(connection_, text.data() + sent, text.size() - sent);
      ASSERT_GT(n, 0);
      sent += static_cast<size_t>(n);
    }
  }
  void event(const std::string& id, const std::string& body) {
    reply("200 OK\r\nLambda-Runtime-Aws-Request-Id: " + id +
              "\r\nLambda-Runtime-Deadline-Ms: 99999999999999\r\nLambda-Runtime-Trace-Id: Root=1",
          body);
  }

  int listener_ = -1, connection_ = -1;
  pid_t child_ = 0;
  std::string address_, received_;
};

TEST_F(RuntimeTest, AnswersAndErrors) {
  startFunction([] {
    run([](std::string event, const Context& context) -> std::string {
      if (event == "1") throw FunctionError("Receipt.Unreadable", "too \"dark\"\n");
      if (event == "2") throw std::out_of_range("beyond");
      return event + context.request_id + getenv("_X_AMZN_TRACE_ID") + (context.remainingMillis() > 1000 ? "y" : "n");
    });
  });
  EXPECT_THAT(expect("\r\n\r\n"), HasSubstr("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n"));
  event("a", "hi");
  EXPECT_THAT(expect("hiaRoot=1y"), HasSubstr("POST /2018-06-01/runtime/invocation/a/response"));
  expect("invocation/next HTTP/1.1\r\n");
  expect("\r\n\r\n");
  reply("202 Accepted", "{}");
  event("b", "1");
  std::string error = expect("\"stackTrace\":[]}");
  EXPECT_THAT(error, HasSubstr("invocation/b/error"));
  EXPECT_THAT(error, HasSubstr("Lambda-Runtime-Function-Error-Type: Receipt.Unreadable\r\n"));
  EXPECT_THAT(error, HasSubstr("{\"errorMessage\":\"too \\\"dark\\\"\\u000a\",\"errorType\":\"Receipt.Unreadable\""));
  reply("202 Accepted", "{}");
  event("c", "2");
  EXPECT_THAT(expect("\"stackTrace\":[]}"), HasSubstr("\"errorType\":\"std::out_of_range\""));
}

TEST_F(RuntimeTest, LargePayloads) {
  startFunction([] { run([](std::string event, const Context&) { return event; }); });
  expect("\r\n\r\n");
  std::string large(6'000'000, 'x');
  large.back() = '!';
  event("big", large);
  std::string answer = expect("!");
  EXPECT_THAT(answer.substr(0, 200), HasSubstr("Content-Length: 6000000\r\n"));
}

TEST_F(RuntimeTest, StreamsWithLateErrors) {
  startFunction([] {
    runStreaming([](std::string, ResponseStream& out, const Context&) {
      out.setContentType("text/plain");
      out.write("first");
      out.write("second");
      throw std::runtime_error("late");
    });
  });
  expect("\r\n\r\n");
  event("s", "{}");
  std::string text = expect("0\r\n");
  EXPECT_THAT(text, HasSubstr("Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked"));
  EXPECT_THAT(text, HasSubstr("5\r\nfirst\r\n6\r\nsecond\r\n"));
  EXPECT_THAT(expect("\r\n\r\n"), HasSubstr("Lambda-Runtime-Function-Error-Type: std::runtime_error\r\n"));
}

TEST_F(RuntimeTest, InitFailureIsTold) {
  startFunction([] { failInit("Model.Missing", "no weights"); });
  EXPECT_THAT(expect("\"stackTrace\":[]}"), HasSubstr("POST /2018-06-01/runtime/init/error"));
  reply("202 Accepted", "{}");
  int status = 0;
  waitpid(child_, &status, 0);
  child_ = 0;
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

TEST_F(RuntimeTest, SnapshotProtocolOfLambda) {
  startFunction([] {
    setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start", 1);
    static std::string order;
    onBeforeSnapshot([] { order += "before,"; });
    onAfterRestore([] { order += isTemplate() ? "still," : "after,"; });
    run([](std::string, const Context&) { return order; });
  });
  EXPECT_THAT(expect("\r\n\r\n"), HasSubstr("GET /2018-06-01/runtime/restore/next"));
  reply("200 OK", "");
  close(connection_);
  connection_ = accept(listener_, nullptr, nullptr);
  expect("\r\n\r\n");
  event("r", "{}");
  expect("before,after,");
}

}  // namespace
}  // namespace lectern
