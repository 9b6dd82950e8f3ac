#include "engine/snapshot/api_peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>

namespace lectern::snapshot {
namespace {

constexpr size_t kMaxRequest = 16u << 20;

}  // namespace

std::optional<ApiRequest> ApiPeer::take() {
  if (!connection_.valid()) {
    connection_ = Fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!connection_.valid()) return std::nullopt;
    int on = 1;
    setsockopt(connection_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  char piece[65536];
  ssize_t n;
  while ((n = recv(connection_.get(), piece, sizeof piece, 0)) > 0 && buffer_.size() < kMaxRequest) {
    buffer_.append(piece, static_cast<size_t>(n));
  }
  bool closed = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
  size_t head = buffer_.find("\r\n\r\n");
  if (head == std::string::npos) {
    if (closed) connection_.close(), buffer_.clear();
    return std::nullopt;
  }
  std::string lower = buffer_.substr(0, head);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  size_t length = 0, at = lower.find("\r\ncontent-length:");
  if (at != std::string::npos) length = strtoul(lower.c_str() + at + 17, nullptr, 10);
  if (length > kMaxRequest || (closed && buffer_.size() < head + 4 + length)) {
    connection_.close(), buffer_.clear();
    return std::nullopt;
  }
  if (buffer_.size() < head + 4 + length) return std::nullopt;
  ApiRequest request;
  size_t space = buffer_.find(' '), second = buffer_.find(' ', space + 1);
  if (second < head) {
    request.method = buffer_.substr(0, space);
    request.path = buffer_.substr(space + 1, second - space - 1);
  }
  request.body = buffer_.substr(head + 4, length);
  buffer_.erase(0, head + 4 + length);
  return request;
}

bool ApiPeer::reply(std::string_view status, std::string_view headers, std::string_view body) {
  std::string text = "HTTP/1.1 ";
  text.append(status).append("\r\nContent-Length: ").append(std::to_string(body.size())).append("\r\n");
  text.append(headers).append("\r\n").append(body);
  for (size_t sent = 0; sent < text.size();) {
    ssize_t n = send(connection_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n > 0) sent += static_cast<size_t>(n);
    if (n >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN) return false;
    pollfd wait{connection_.get(), POLLOUT, 0};
    if (poll(&wait, 1, 5000) <= 0) return false;
  }
  return true;
}

bool ApiPeer::sendEvent(std::string_view request_id, std::string_view event) {
  std::string headers = "Lambda-Runtime-Aws-Request-Id: ";
  headers.append(request_id).append("\r\nLambda-Runtime-Deadline-Ms: 9999999999999\r\n");
  headers += "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:f\r\n";
  return reply("200 OK", headers, event);
}

}  // namespace lectern::snapshot
