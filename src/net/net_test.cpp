#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "net/http_client.h"
#include "net/http_server.h"

namespace lectern::net {
namespace {

/// A server on its own thread.
class Served {
 public:
  explicit Served(HttpServer::Handler handler, ServerOptions options = {}, HttpServer::Handler head = {}) {
    server_ = std::make_unique<HttpServer>(loop, options, std::move(handler), std::move(head));
    port = *server_->listen("127.0.0.1", 0);
    thread_ = std::thread([this] { loop.run(); });
  }
  ~Served() {
    loop.stop();
    thread_.join();
    server_.reset();
  }
  /// Sends raw bytes, half-closes, returns everything that comes back.
  std::string raw(std::string_view bytes) {
    Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{AF_INET, htons(uint16_t(port)), {htonl(INADDR_LOOPBACK)}, {}};
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    while (!bytes.empty()) {
      ssize_t n = send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) break;
      bytes.remove_prefix(size_t(n));
    }
    shutdown(fd.get(), SHUT_WR);
    std::string all;
    char buffer[4096];
    for (ssize_t n; (n = recv(fd.get(), buffer, sizeof buffer, 0)) > 0;) all.append(buffer, size_t(n));
    return all;
  }
  Loop loop;
  int port = 0;

 private:
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

void echo(std::shared_ptr<Exchange> exchange) {
  std::string body = exchange->request.too_large ? "too large" : exchange->request.body;
  exchange->respond(Response(exchange->request.too_large ? 413 : 200, "text/plain", body));
}

TEST(HttpServer, EchoesOverOneConnection) {
  Served served(echo);
  HttpClient client("127.0.0.1", served.port);
  for (size_t size : {0, 1, 100, 4096, 5000, 300'000, 6'000'000}) {
    ClientRequest request;
    request.method = "POST";
    std::string body(size, 'x');
    request.body = body;
    auto response = client.send(request);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, body);
  }
}

TEST(HttpServer, TooLargeBodiesAreDrainedAndRefused) {
  ServerOptions options;
  options.body_limit = 1000;
  Served served(echo, options);
  HttpClient client("127.0.0.1", served.port);
  ClientRequest request;
  request.method = "POST";
  std::string body(2'000'000, 'x');
  request.body = body;
  EXPECT_EQ(client.send(request)->status, 413);
  request.body = "ok";
  EXPECT_EQ(client.send(request)->status, 200);
}

TEST(HttpServer, PipelinedHalfClosedAndMalformed) {
  Served served(echo);
  std::string two = served.raw(
      "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\none"
      "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\ntwo");
  EXPECT_NE(two.find("one"), std::string::npos);
  EXPECT_NE(two.find("two"), std::string::npos);
  EXPECT_TRUE(served.raw("garbage\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(served.raw("GET / HTTP/1.1\r\nA: " + std::string(100'000, 'a')).starts_with("HTTP/1.1 431"));
  EXPECT_EQ(served.raw("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\no"), "");
  EXPECT_NE(served.raw("GET / HTTP/1.0\r\n\r\n").find("Connection: close"), std::string::npos);
}

TEST(HttpServer, TruncatedBodiesAreReportedWhenAsked) {
  ServerOptions options;
  options.report_truncated = true;
  Served served(
      [](std::shared_ptr<Exchange> exchange) {
        exchange->respond(Response(exchange->request.truncated ? 400 : 200, "", ""));
      },
      options);
  EXPECT_TRUE(served.raw("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\no").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(served.raw("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab").starts_with("HTTP/1.1 400"));
}

TEST(HttpServer, AnswersLaterAndInPieces) {
  Loop* loop = nullptr;
  Served served([&](std::shared_ptr<Exchange> exchange) {
    loop->after(Millis(5), [exchange, &loop] {
      exchange->startStream(200, {});
      exchange->write("first ");
      loop->after(Millis(5), [exchange] {
        exchange->write("second");
        Headers trailers;
        trailers.add("End", "Complete");
        exchange->finish(trailers);
      });
    });
  });
  loop = &served.loop;
  HttpClient client("127.0.0.1", served.port);
  auto response = client.send({});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "first second");
  EXPECT_EQ(response->trailers.get("end"), "Complete");
}

TEST(HttpServer, StreamsRequestBodies) {
  auto seen = std::make_shared<std::string>();
  Served served([seen](std::shared_ptr<Exchange> exchange) { exchange->respond(Response(200, "", *seen)); }, {},
                [seen](std::shared_ptr<Exchange> exchange) {
                  exchange->onBody([seen](std::string_view bytes) { *seen += std::to_string(bytes.size()) + ","; });
                });
  std::string answer =
      served.raw("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n");
  EXPECT_NE(answer.find("3,1,"), std::string::npos);
}

TEST(HttpServer, DroppedRequestsGetAnAnswer) {
  Served served([](std::shared_ptr<Exchange>) {});
  HttpClient client("127.0.0.1", served.port);
  EXPECT_EQ(client.send({})->status, 500);
}

TEST(HttpServer, SlowClientsAreCutOff) {
  ServerOptions options;
  options.slow_timeout = Millis(100);
  Served served(echo, options);
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{AF_INET, htons(uint16_t(served.port)), {htonl(INADDR_LOOPBACK)}, {}};
  ASSERT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(send(fd.get(), "GET /", 5, 0), 5);
  char byte;
  EXPECT_EQ(recv(fd.get(), &byte, 1, 0), 0);
}

TEST(Loop, TimersFireInOrderAndCanBeCancelled) {
  Loop loop;
  std::string order;
  loop.after(Millis(2), [&] { order += "b"; });
  loop.after(Millis(1), [&] { order += "a"; });
  uint64_t gone = loop.after(Millis(1), [&] { order += "x"; });
  loop.cancel(gone);
  // The other thread may come late on a busy machine.
  std::function<void()> end = [&] {
    if (order.size() == 3) return loop.stop();
    loop.after(Millis(1), end);
  };
  loop.after(Millis(3), end);
  std::thread other([&] { loop.post([&] { order += "p"; }); });
  loop.run();
  other.join();
  EXPECT_EQ(order.size(), 3u);
  EXPECT_LT(order.find('a'), order.find('b'));
}

}  // namespace
}  // namespace lectern::net
