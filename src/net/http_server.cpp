#include "net/http_server.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/log.h"
#include "net/http_connection.h"

namespace lectern::net {

Exchange::~Exchange() {
  if (connection_ && !answered_) {
    // A handler dropped the request: the client must not wait for ever.
    respond(Response(500, "application/json", R"({"message":"Internal Server Error"})"));
  }
}

void Exchange::pauseBody(bool pause) {
  if (connection_ && !answered_) connection_->pauseReading(pause);
}

void Exchange::respond(Response response) {
  if (!connection_ || answered_) return;
  answered_ = true;
  connection_->sendResponse(response);
}

void Exchange::startStream(int status, Headers headers) {
  if (!connection_ || answered_) return;
  answered_ = true;
  streaming_ = true;
  connection_->sendHead(status, headers, raw_stream_);
}

void Exchange::write(std::string_view bytes) {
  if (!connection_ || !streaming_ || bytes.empty()) return;
  connection_->sendBytes(bytes, !raw_stream_);
}

void Exchange::finish(const Headers& trailers) {
  if (!connection_ || !streaming_) return;
  streaming_ = false;
  connection_->sendEnd(trailers, !raw_stream_);
}

void Exchange::abort() {
  answered_ = true;
  if (connection_) connection_->close();
}

size_t Exchange::unsent() const { return connection_ ? connection_->unsent() : 0; }
std::string Exchange::peerAddress() const { return connection_ ? connection_->peerAddress() : ""; }

HttpServer::HttpServer(Loop& loop, ServerOptions options, Handler on_request, Handler on_head)
    : loop_(loop), options_(options), on_request_(std::move(on_request)), on_head_(std::move(on_head)) {
  if (options_.idle_timeout.count() > 0 || options_.slow_timeout.count() > 0) {
    sweep_timer_ = loop_.after(Seconds(1), [this] { sweep(); });
  }
}

HttpServer::~HttpServer() {
  loop_.cancel(sweep_timer_);
  loop_.cancel(accept_timer_);
  stopListening();
  closeAll();
}

Result<int> HttpServer::listen(const std::string& host, int port) {
  TRY(Fd fd, listenTcp(host, port));
  int bound = boundPort(fd.get());
  adopt(std::move(fd));
  return bound;
}

void HttpServer::adopt(Fd listener) {
  listener_ = std::move(listener);
  loop_.watchReadable(listener_.get(), [this] { accept(); });
}

Fd HttpServer::takeListener() {
  if (listener_.valid()) loop_.unwatch(listener_.get());
  return std::move(listener_);
}

void HttpServer::stopListening() {
  if (!listener_.valid()) return;
  loop_.unwatch(listener_.get());
  listener_.close();
}

void HttpServer::closeAll() {
  while (!connections_.empty()) connections_.begin()->second->close();
}

void HttpServer::forget(int fd) { connections_.erase(fd); }

void HttpServer::accept() {
  for (int i = 0; i < 64; ++i) {
    Fd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        // Waiting connections stay in the backlog until descriptors are free again.
        loop_.unwatch(listener_.get());
        accept_timer_ = loop_.after(Millis(100), [this] {
          if (listener_.valid()) loop_.watchReadable(listener_.get(), [this] { accept(); });
        });
        logWarn("no descriptors left for new connections");
      }
      return;
    }
    if (connections_.size() >= options_.max_connections) continue;
    int one = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    int key = fd.get();
    auto connection = std::make_shared<Connection>(*this, std::move(fd));
    connections_.emplace(key, connection);
    connection->start();
  }
}

void HttpServer::sweep() {
  SteadyTime now = loop_.now();
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(connections_.size());
  for (auto& [fd, connection] : connections_) all.push_back(connection);
  for (auto& connection : all) connection->expire(now);
  sweep_timer_ = loop_.after(Seconds(1), [this] { sweep(); });
}

Result<Fd> listenTcp(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  int error = getaddrinfo(host.empty() ? nullptr : host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error) return fail(Code::kInvalid, "listen on " + host + ": " + gai_strerror(error));
  Fd fd(socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  int one = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  int bound = bind(fd.get(), found->ai_addr, found->ai_addrlen);
  int bind_error = errno;
  freeaddrinfo(found);
  std::string doing = "listen on " + host + ":" + std::to_string(port);
  if (bound != 0) return failErrno(doing, bind_error);
  if (::listen(fd.get(), 4096) != 0) return failErrno(doing, errno);
  return fd;
}

int boundPort(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
  return 0;
}

}  // namespace lectern::net
