#pragma once
// HTTP/1.1 server on a Loop.
//
//   HttpServer server(loop, {}, [](std::shared_ptr<Exchange> exchange) {
//     exchange->respond(Response(200, "text/plain", "hello " + exchange->request.target));
//   });
//   int port = *server.listen("127.0.0.1", 0);
//
// A handler may answer at once or keep the exchange and answer later (long polls cost nothing while they wait). One
// request of a connection is handled at a time; what a client pipelines waits in its socket.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/files.h"
#include "base/result.h"
#include "net/http.h"
#include "net/loop.h"

namespace lectern::net {

class Connection;

/// One request and the answer to it. Loop thread only.
class Exchange {
 public:
  explicit Exchange(Connection* connection) : connection_(connection) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  Request request;

  /// In the head handler: bytes of body that are kept; more sets request.too_large.
  void setBodyLimit(uint64_t limit) { body_limit_ = limit; }
  /// In the head handler: the body is handed on in pieces instead of being kept.
  void onBody(std::function<void(std::string_view)> callback) { on_body_ = std::move(callback); }

  /// While the body is handed on: the rest of it is not wanted. The request comes as if it were complete, and the
  /// connection ends with its answer.
  void dropBody() { drop_body_ = true; }
  /// While the body is handed on: no more of it is read, so that the client has to wait; or it is again.
  void pauseBody(bool pause);

  /// The whole answer. Ignored when the client is gone or an answer was given.
  void respond(Response response);
  /// An answer in pieces: head, any number of writes, finish. Sent chunked.
  void startStream(int status, Headers headers);
  void write(std::string_view bytes);
  void finish(const Headers& trailers = {});
  /// Breaks the connection off, so that the client sees a cut answer.
  void abort();

  /// Bytes that the client has not taken yet.
  size_t unsent() const;
  /// Called when unsent() has come down to nothing.
  void onDrained(std::function<void()> callback) { on_drained_ = std::move(callback); }
  /// Called when the connection goes before the answer is complete.
  void onClosed(std::function<void()> callback) { on_closed_ = std::move(callback); }
  bool closed() const { return connection_ == nullptr; }
  bool answered() const { return answered_; }
  /// Address of the client, "127.0.0.1".
  std::string peerAddress() const;

 private:
  friend class Connection;
  Connection* connection_;
  uint64_t body_limit_ = 0;
  bool answered_ = false;
  bool streaming_ = false;
  bool drop_body_ = false;
  bool raw_stream_ = false;  // to an HTTP/1.0 client, which knows no chunks
  std::function<void(std::string_view)> on_body_;
  std::function<void()> on_drained_, on_closed_;
};

struct ServerOptions {
  uint64_t body_limit = 8 << 20;
  uint64_t drain_limit = 64 << 20;  // bytes beyond the body limit that are read and thrown away before the answer
  uint32_t header_limit = 64 * 1024;
  Nanos idle_timeout{0};  // a connection that says nothing between requests; 0: no limit
  Nanos slow_timeout{0};  // a request or an answer without progress; 0: no limit
  size_t max_connections = 16'000;
  /// Called with a request whose body was cut off by the end of the connection (request.truncated).
  bool report_truncated = false;
  /// A client may close its side and still wait for the answer; false: it is taken for gone.
  bool half_closed = true;
};

class HttpServer {
 public:
  using Handler = std::function<void(std::shared_ptr<Exchange>)>;

  /// `on_request` gets complete requests; `on_head`, when given, sees them before their body.
  HttpServer(Loop& loop, ServerOptions options, Handler on_request, Handler on_head = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Listens on host:port (port 0 picks one) and returns the port.
  Result<int> listen(const std::string& host, int port);
  /// Takes a listening socket that somebody else made.
  void adopt(Fd listener);
  /// Stops listening and gives the socket back; connections go on.
  Fd takeListener();
  /// Stops listening; connections go on.
  void stopListening();
  /// Closes all connections.
  void closeAll();
  size_t connections() const { return connections_.size(); }

 private:
  friend class Connection;
  void accept();
  void sweep();
  void forget(int fd);

  Loop& loop_;
  ServerOptions options_;
  Handler on_request_, on_head_;
  Fd listener_;
  uint64_t sweep_timer_ = 0, accept_timer_ = 0;
  std::unordered_map<int, std::shared_ptr<Connection>> connections_;
};

/// A listening TCP socket on host:port, non-blocking.
Result<Fd> listenTcp(const std::string& host, int port);
/// The port a socket is bound to.
int boundPort(int fd);

}  // namespace lectern::net
