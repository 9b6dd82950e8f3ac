#include "net/http_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

namespace lectern::net {

Connection::Connection(HttpServer& server, Fd fd)
    : server_(server),
      fd_(std::move(fd)),
      parser_(HttpParser::Kind::kRequest, this, server.options_.header_limit),
      last_progress_(server.loop_.now()) {}

Connection::~Connection() = default;

void Connection::start() {
  server_.loop_.watch(fd_.get(), [this](uint32_t ready) {
    auto self = shared_from_this();
    onReady(ready);
  });
}

void Connection::close() {
  if (!fd_.valid()) return;
  auto self = shared_from_this();
  int fd = fd_.get();
  server_.loop_.unwatch(fd);
  server_.loop_.cancel(std::exchange(late_flush_, 0));
  server_.forget(fd);
  fd_.close();
  out_.clear();
  unsent_ = 0;
  auto kept = std::move(exchange_);
  if (auto* exchange = std::exchange(current_, nullptr)) {
    exchange->connection_ = nullptr;
    auto on_closed = std::move(exchange->on_closed_);  // may drop the exchange
    if (on_closed) on_closed();
  }
}

void Connection::expire(SteadyTime now) {
  auto& options = server_.options_;
  bool waits_for_handler = paused_ || (busy_ && unsent_ == 0 && !lingering_);
  if (waits_for_handler) return;
  bool idle = !busy_ && !parser_.started() && unsent_ == 0 && !lingering_;
  Nanos limit = lingering_ ? Nanos(Seconds(2)) : idle ? options.idle_timeout : options.slow_timeout;
  if (limit.count() > 0 && now - last_progress_ > limit) close();
}

std::string Connection::peerAddress() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char text[INET6_ADDRSTRLEN] = "";
  if (getpeername(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return "";
  if (address.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(&address)->sin_addr, text, sizeof text);
  } else if (address.ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr, text, sizeof text);
  }
  return text;
}

void Connection::onReady(uint32_t ready) {
  if (!fd_.valid()) return;
  if (ready & kHangup) {
    // What was sent before the reset is of no use: nobody takes the answer.
    if (busy_ || unsent_ > 0) return close();
    readable_ = true;
  }
  if (ready & kPeerClosed) {
    peer_closed_ = true;
    if (busy_ && !server_.options_.half_closed) return close();
  }
  if (ready & (kReadable | kPeerClosed)) readable_ = true;
  if ((ready & kWritable) && unsent_ > 0) flush();
  process();
}

/// Reads once; false when there is nothing more for now.
bool Connection::readSome() {
  Loop& loop = server_.loop_;
  ssize_t n = recv(fd_.get(), loop.scratch(), Loop::kScratchSize, 0);
  if (n < 0) {
    if (errno == EINTR) return true;
    readable_ = false;
    if (errno != EAGAIN) close();
    return false;
  }
  last_progress_ = loop.now();
  if (n == 0) {
    readable_ = false;
    read_all_ = true;
    peerEnded();
    return false;
  }
  // A short read has emptied the socket; the next bytes raise a new edge.
  if (size_t(n) < Loop::kScratchSize && !peer_closed_) readable_ = false;
  if (lingering_) {
    lingered_ += size_t(n);
    if (lingered_ > (64u << 20)) close();
    return true;
  }
  take({loop.scratch(), size_t(n)});
  return true;
}

void Connection::process() {
  if (processing_) return;
  processing_ = true;
  while (fd_.valid() && !paused_ && (!busy_ || lingering_)) {
    if (!in_.empty() && !lingering_) {
      std::string bytes = std::move(in_);
      in_.clear();
      size_t before = bytes.size();
      take(bytes);
      if (busy_ || in_.size() < before) continue;
    }
    if (!readable_ || read_all_ || !readSome()) break;
  }
  processing_ = false;
}

/// Parses bytes; keeps in in_ what is not parsed.
void Connection::take(std::string_view bytes) {
  std::string joined;
  if (!in_.empty()) {
    joined = std::move(in_);
    joined += bytes;
    bytes = joined;
    in_ = {};
  }
  size_t used = parser_.feed(bytes);
  if (!fd_.valid()) return;
  in_.assign(bytes.substr(used));
  if (parser_.state() == HttpParser::State::kBad) return reject(parser_.errorStatus(), parser_.error());
  if (parser_.state() == HttpParser::State::kDone) return dispatch();
  if (!exchange_) return;
  bool endless = exchange_->request.body_size > exchange_->body_limit_ + server_.options_.drain_limit && !exchange_->on_body_;
  if (endless || exchange_->drop_body_) {
    close_after_ = true;  // the rest of this body is not worth reading
    dispatch();
  }
}

void Connection::peerEnded() {
  if (lingering_) return close();
  if (busy_) return;
  bool within_body = exchange_ != nullptr;
  if (within_body && server_.options_.report_truncated) {
    exchange_->request.truncated = true;
    close_after_ = true;
    return dispatch();
  }
  if (unsent_ > 0) {
    close_after_ = true;
    return;
  }
  close();
}

void Connection::onHead() {
  exchange_ = std::make_shared<Exchange>(this);
  current_ = exchange_.get();
  Request& request = exchange_->request;
  request.method.swap(parser_.method());
  request.target.swap(parser_.target());
  std::swap(request.headers, parser_.headers());
  exchange_->body_limit_ = server_.options_.body_limit;
  if (server_.on_head_) server_.on_head_(exchange_);
  auto length = parser_.contentLength();
  if (length && *length > 64 * 1024 && *length <= exchange_->body_limit_ && !exchange_->on_body_) {
    request.body.reserve(*length);
  }
  if (equalsIgnoreCase(request.headers.get("Expect"), "100-continue")) {
    out_.push_back({"HTTP/1.1 100 Continue\r\n\r\n", {}, 0});
    unsent_ += out_.back().text.size();
    flush();
  }
}

void Connection::onBody(std::string_view bytes) {
  if (!exchange_) return;
  Request& request = exchange_->request;
  request.body_size += bytes.size();
  if (exchange_->drop_body_) return;
  if (exchange_->on_body_) {
    exchange_->on_body_(bytes);
  } else if (request.body_size > exchange_->body_limit_) {
    request.too_large = true;
    request.body = std::string();
  } else {
    request.body += bytes;
  }
}

void Connection::pauseReading(bool pause) {
  if (busy_ || paused_ == pause) return;
  paused_ = pause;
  if (pause) return;
  server_.loop_.defer([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->process();
  });
}

void Connection::dispatch() {
  busy_ = true;
  paused_ = false;
  if (!parser_.keepAlive()) close_after_ = true;
  std::swap(exchange_->request.trailers, parser_.trailers());
  exchange_->on_body_ = nullptr;
  server_.on_request_(std::move(exchange_));
}

void Connection::reject(int status, const std::string& why) {
  if (exchange_) {
    if (server_.options_.report_truncated) exchange_->request.truncated = true;
    exchange_->connection_ = nullptr;
    current_ = nullptr;
    auto exchange = std::move(exchange_);
    if (server_.options_.report_truncated) server_.on_request_(exchange);
    if (!fd_.valid()) return;
  }
  busy_ = true;
  close_after_ = true;
  in_.clear();
  Response response(status, "text/plain", "bad request: " + why + "\n");
  sendResponse(response);
}

void Connection::sendResponse(Response& response) {
  bool bodiless = response.status == 204 || response.status == 304 || response.status < 200;
  size_t size = response.body ? response.body->size() : 0;
  char framing[64];
  std::string_view framing_view;
  if (!bodiless) {
    char* end = std::copy_n("Content-Length: ", 16, framing);
    end = std::to_chars(end, framing + 40, size).ptr;
    *end++ = '\r';
    *end++ = '\n';
    framing_view = {framing, size_t(end - framing)};
  }
  Piece head;
  head.text.reserve(256);
  appendResponseHead(head.text, response.status, response.headers, framing_view);
  if (close_after_) head.text.insert(head.text.size() - 2, "Connection: close\r\n");
  bool send_body = size > 0 && !bodiless && !(current_ && current_->request.method == "HEAD");
  if (send_body && size <= 4096) {
    head.text += *response.body;
    send_body = false;
  }
  unsent_ += head.text.size();
  out_.push_back(std::move(head));
  if (send_body) {
    unsent_ += size;
    out_.push_back(Piece{{}, std::move(response.body), 0});
  }
  answerDone();
}

void Connection::sendHead(int status, const Headers& headers, bool& raw) {
  Piece head;
  raw = parser_.version() < 11;
  if (raw) close_after_ = true;
  appendResponseHead(head.text, status, headers, raw ? "" : "Transfer-Encoding: chunked\r\n");
  if (close_after_) head.text.insert(head.text.size() - 2, "Connection: close\r\n");
  unsent_ += head.text.size();
  out_.push_back(std::move(head));
  flush();
}

void Connection::sendBytes(std::string_view bytes, bool chunk) {
  Piece piece;
  if (chunk) {
    char size[20];
    auto end = std::to_chars(size, size + sizeof size, bytes.size(), 16).ptr;
    piece.text.reserve(bytes.size() + 32);
    piece.text.assign(size, end);
    piece.text += "\r\n";
  }
  piece.text += bytes;
  if (chunk) piece.text += "\r\n";
  unsent_ += piece.text.size();
  out_.push_back(std::move(piece));
  drained_wanted_ = true;
  flush();
}

void Connection::sendEnd(const Headers& trailers, bool chunked) {
  if (chunked) {
    Piece piece;
    piece.text = "0\r\n";
    for (size_t i = 0; i < trailers.size(); ++i) {
      piece.text.append(trailers.name(i)).append(": ").append(trailers.value(i)).append("\r\n");
    }
    piece.text += "\r\n";
    unsent_ += piece.text.size();
    out_.push_back(std::move(piece));
  }
  answerDone();
}

void Connection::answerDone() {
  if (auto* exchange = std::exchange(current_, nullptr)) exchange->connection_ = nullptr;
  if (!in_.empty() && !close_after_) {
    // The peer has sent its next request already: one system call, and one wake-up of the peer, serves both answers.
    // The timer is left to fire when the second answer comes before: mostly a third one waits by then.
    if (late_flush_ == 0) {
      late_flush_ = server_.loop_.after(Millis(1), [this] {
        late_flush_ = 0;
        auto self = shared_from_this();
        flush();
      });
    }
  } else {
    flush();
  }
  if (!fd_.valid()) return;
  if (close_after_) {
    if (unsent_ == 0) lingerClose();
    return;
  }
  busy_ = false;
  parser_.next();
  if (in_.empty() && !readable_) return;
  // Not from here: somebody else's bytes may still be in the shared buffer.
  server_.loop_.defer([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->process();
  });
}

void Connection::flush() {
  while (unsent_ > 0) {
    iovec parts[16];
    size_t count = 0;
    for (auto& piece : out_) {
      if (count == 16) break;
      auto rest = piece.rest();
      if (!rest.empty()) parts[count++] = {const_cast<char*>(rest.data()), rest.size()};
    }
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = count;
    ssize_t n = sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return;
      return close();
    }
    last_progress_ = server_.loop_.now();
    unsent_ -= size_t(n);
    size_t done = 0;
    size_t left = size_t(n);
    for (auto& piece : out_) {
      size_t step = std::min(left, piece.rest().size());
      piece.sent += step;
      left -= step;
      if (!piece.rest().empty()) break;
      ++done;
    }
    out_.erase(out_.begin(), out_.begin() + long(done));
  }
  if (close_after_ && busy_ && !current_ && !lingering_) return lingerClose();
  if (drained_wanted_ && current_) {
    drained_wanted_ = false;
    if (current_->on_drained_) current_->on_drained_();
  }
}

void Connection::lingerClose() {
  if (read_all_ || peer_closed_) return close();
  // Closing with unread bytes would reset the connection and take the answer with it.
  shutdown(fd_.get(), SHUT_WR);
  lingering_ = true;
  in_.clear();
  server_.loop_.defer([weak = weak_from_this()] {
    if (auto self = weak.lock()) {
      self->readable_ = true;
      self->process();
    }
  });
}

}  // namespace lectern::net
