#include "net/http_client.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "net/http_parser.h"

namespace lectern::net {

namespace {

int64_t nowNanos() { return RealClock().now().nanos; }

Result<void> waitFor(int fd, short events, int64_t deadline) {
  for (;;) {
    int64_t left = deadline - nowNanos();
    if (left <= 0) return fail(Code::kTimeout, "no answer in time");
    pollfd item{fd, events, 0};
    int n = poll(&item, 1, int(std::min<int64_t>(left / 1'000'000 + 1, 1'000'000)));
    if (n > 0) return {};
    if (n < 0 && errno != EINTR) return failErrno("poll", errno);
  }
}

class Collector final : public ParserEvents {
 public:
  Collector(const ClientRequest& request, ClientResponse& out) : request_(request), out_(out) {}
  void onHead() override {}
  void onBody(std::string_view bytes) override {
    if (request_.on_body) {
      request_.on_body(bytes);
    } else if (out_.body.size() + bytes.size() > request_.body_limit) {
      too_large = true;
    } else {
      out_.body += bytes;
    }
  }
  bool too_large = false;

 private:
  const ClientRequest& request_;
  ClientResponse& out_;
};

Result<void> sendAll(int fd, std::string_view head, std::string_view body, int64_t deadline) {
  while (!head.empty() || !body.empty()) {
    iovec parts[2] = {{const_cast<char*>(head.data()), head.size()}, {const_cast<char*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return failErrno("send", errno);
      TRY_VOID(waitFor(fd, POLLOUT, deadline));
      continue;
    }
    size_t from_head = std::min(size_t(n), head.size());
    head.remove_prefix(from_head);
    body.remove_prefix(size_t(n) - from_head);
  }
  return {};
}

}  // namespace

Result<void> HttpClient::connect(int64_t deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  std::string name = host_ + ":" + std::to_string(port_);
  if (int error = getaddrinfo(host_.c_str(), std::to_string(port_).c_str(), &hints, &found)) {
    return fail(Code::kUnavailable, name + ": " + gai_strerror(error));
  }
  int last_error = ECONNREFUSED;
  for (auto* a = found; a; a = a->ai_next) {
    Fd fd(socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid()) continue;
    int one = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (::connect(fd.get(), a->ai_addr, a->ai_addrlen) != 0) {
      last_error = errno;
      if (errno != EINPROGRESS) continue;
      if (!waitFor(fd.get(), POLLOUT, deadline)) continue;
      socklen_t size = sizeof last_error;
      getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &last_error, &size);
      if (last_error != 0) continue;
    }
    fd_ = std::move(fd);
    break;
  }
  freeaddrinfo(found);
  if (fd_.valid()) return {};
  return fail(Code::kUnavailable, "connect to " + name + ": " + strerror(last_error));
}

Result<ClientResponse> HttpClient::exchange(const ClientRequest& request, int64_t deadline, bool& nothing_came) {
  std::string head = request.method + " " + request.target + " HTTP/1.1\r\n";
  if (!request.headers.find("Host")) head += "Host: " + host_ + ":" + std::to_string(port_) + "\r\n";
  for (size_t i = 0; i < request.headers.size(); ++i) {
    head.append(request.headers.name(i)).append(": ").append(request.headers.value(i)).append("\r\n");
  }
  if (!request.body.empty() || request.method != "GET") {
    head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  head += "\r\n";
  ClientResponse response;
  Collector collector(request, response);
  HttpParser parser(HttpParser::Kind::kResponse, &collector);
  if (request.method == "HEAD") parser.expectNoBody();
  TRY_VOID(sendAll(fd_.get(), head, request.body, deadline));
  std::string buffer(64 * 1024, '\0');
  std::string rest;
  while (parser.state() == HttpParser::State::kNeedMore) {
    ssize_t n = recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return failErrno("receive", errno);
      TRY_VOID(waitFor(fd_.get(), POLLIN, deadline));
      continue;
    }
    if (n == 0) {
      if (parser.finishAtEof()) break;
      return fail(Code::kCorrupt, "the connection ended within the answer");
    }
    nothing_came = false;
    rest.append(buffer.data(), size_t(n));
    rest.erase(0, parser.feed(rest));
    if (parser.state() == HttpParser::State::kDone && parser.status() == 100) parser.next();
  }
  if (parser.state() == HttpParser::State::kBad) return fail(Code::kCorrupt, "not HTTP: " + parser.error());
  if (collector.too_large) return fail(Code::kTooLarge, "the answer is larger than this client takes");
  response.status = parser.status();
  response.headers = parser.headers();
  response.trailers = parser.trailers();
  if (!parser.keepAlive()) fd_.close();
  return response;
}

Result<ClientResponse> HttpClient::send(const ClientRequest& request) {
  int64_t deadline = nowNanos() + request.timeout.count();
  bool kept = fd_.valid();
  if (!kept) TRY_VOID(connect(deadline));
  bool nothing_came = true;
  auto response = exchange(request, deadline, nothing_came);
  if (!response) {
    fd_.close();
    if (kept && nothing_came && response.error().code != Code::kTimeout) {
      TRY_VOID(connect(deadline));
      response = exchange(request, deadline, nothing_came);
      if (!response) fd_.close();
    }
  }
  return response;
}

}  // namespace lectern::net
