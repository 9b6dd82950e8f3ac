#include "sdk/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iterator>

namespace lectern::sdk {
namespace {

constexpr size_t kMaxHead = 64 * 1024, kMaxBody = 256u << 20;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string toLower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

/// A number without sign or blanks in the given base; false when it is none or above `limit`.
bool parseNumber(std::string_view text, unsigned base, size_t limit, size_t& value) {
  value = 0;
  if (text.empty()) return false;
  for (char raw : text) {
    char c = lower(raw);
    unsigned digit = c >= '0' && c <= '9' ? static_cast<unsigned>(c - '0') : c >= 'a' && c <= 'f' ? c - 'a' + 10u : 99;
    if (digit >= base) return false;
    value = value * base + digit;
    if (value > limit) return false;
  }
  return true;
}

}  // namespace

void HttpResponse::addHeader(std::string_view name, std::string_view value) {
  if (fields_.empty()) text_.reserve(1024), fields_.reserve(16);
  fields_.push_back({text_.size(), name.size(), text_.size() + name.size(), value.size()});
  std::transform(name.begin(), name.end(), std::back_inserter(text_), lower);
  text_ += value;
}

std::string_view HttpResponse::header(std::string_view name) const {
  std::string_view text = text_;
  for (const auto& field : fields_) {
    if (text.substr(field.name, field.name_size) == name) return text.substr(field.value, field.value_size);
  }
  return {};
}

ResponseParser::State ResponseParser::bad() {
  phase_ = Phase::kBad;
  return State::kBad;
}

/// Moves one line (without its end) out of `rest`; false when it is not complete yet. The line is valid until the next
/// call, at most as long as the bytes are.
bool ResponseParser::takeLine(std::string_view& rest, std::string_view& line) {
  if (line_whole_) line_.clear(), line_whole_ = false;
  size_t end = rest.find('\n');
  size_t take = end == std::string_view::npos ? rest.size() : end + 1;
  head_bytes_ += take;
  line = rest.substr(0, take);
  rest.remove_prefix(take);
  if (end == std::string_view::npos || !line_.empty()) {
    line_ += line;
    line = line_;
    if (end == std::string_view::npos) return false;
    line_whole_ = true;
  }
  line.remove_suffix(1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return true;
}

void ResponseParser::afterHead() {
  head_bytes_ = 0;
  std::string_view length = response_.header("content-length"), coding = response_.header("transfer-encoding");
  if (toLower(response_.header("connection")).find("close") != std::string::npos) response_.keep_alive = false;
  if (response_.status == 204 || response_.status == 304) {
    phase_ = Phase::kDone;
  } else if (!coding.empty()) {
    phase_ = toLower(coding) == "chunked" ? Phase::kChunkSize : Phase::kBad;
  } else if (!length.empty()) {
    phase_ = parseNumber(length, 10, kMaxBody, left_) ? (left_ == 0 ? Phase::kDone : Phase::kBody) : Phase::kBad;
    if (phase_ == Phase::kBody) response_.body.reserve(left_);
  } else {
    phase_ = Phase::kUntilClose;
    response_.keep_alive = false;
  }
}

ResponseParser::State ResponseParser::feed(std::string_view bytes, size_t& used) {
  std::string_view rest = bytes;
  std::string_view line;
  while (phase_ != Phase::kDone && phase_ != Phase::kBad && !rest.empty()) {
    if (phase_ == Phase::kBody || phase_ == Phase::kChunkData || phase_ == Phase::kUntilClose) {
      size_t take = phase_ == Phase::kUntilClose ? rest.size() : std::min(left_, rest.size());
      if (response_.body.size() + take > kMaxBody) return bad();
      response_.body.append(rest.substr(0, take));
      rest.remove_prefix(take);
      if (phase_ == Phase::kUntilClose) continue;
      left_ -= take;
      if (left_ == 0) phase_ = phase_ == Phase::kBody ? Phase::kDone : Phase::kChunkEnd;
      continue;
    }
    bool complete = takeLine(rest, line);
    if (head_bytes_ > kMaxHead) return bad();
    if (!complete) break;
    if (phase_ == Phase::kHead && first_line_) {
      size_t status = 0;
      if (!line.starts_with("HTTP/1.") || line.size() < 12 || !parseNumber(line.substr(9, 3), 10, 999, status))
        return bad();
      response_.status = static_cast<int>(status);
      response_.keep_alive = line[7] == '1';
      first_line_ = false;
    } else if (phase_ == Phase::kHead && line.empty()) {
      if (response_.status / 100 == 1) {  // an interim answer: the real one follows
        response_ = {}, first_line_ = true, head_bytes_ = 0;
      } else {
        afterHead();
      }
    } else if (phase_ == Phase::kHead) {
      size_t colon = line.find(':');
      if (colon == std::string::npos || colon == 0) return bad();
      response_.addHeader(line.substr(0, colon), trim(line.substr(colon + 1)));
    } else if (phase_ == Phase::kChunkSize) {
      head_bytes_ = 0;
      if (!parseNumber(trim(line.substr(0, line.find(';'))), 16, kMaxBody, left_)) return bad();
      phase_ = left_ == 0 ? Phase::kTrailer : Phase::kChunkData;
    } else if (phase_ == Phase::kChunkEnd) {
      if (!line.empty()) return bad();
      phase_ = Phase::kChunkSize;
    } else if (line.empty()) {
      phase_ = Phase::kDone;
    }
  }
  used = bytes.size() - rest.size();
  return phase_ == Phase::kDone ? State::kDone : phase_ == Phase::kBad ? State::kBad : State::kMore;
}

ResponseParser::State ResponseParser::closed() {
  if (phase_ != Phase::kUntilClose) return bad();
  phase_ = Phase::kDone;
  return State::kDone;
}

HttpConnection::~HttpConnection() { close(); }

void HttpConnection::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  buffer_.clear();
}

bool HttpConnection::connect() {
  size_t colon = address_.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  std::string host = address_.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  size_t port = 80;
  if (colon != std::string::npos && !parseNumber(address_.substr(colon + 1), 10, 65535, port)) return false;
  to.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, host.c_str(), &to.sin_addr) != 1) return false;
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int connected;
  do connected = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to);
  while (connected != 0 && errno == EINTR);
  if (connected != 0) close();
  return connected == 0;
}

bool HttpConnection::send(std::initializer_list<std::string_view> parts) {
  if (fd_ < 0 && !connect()) return false;
  iovec list[4];
  size_t first = 0, count = 0;
  for (std::string_view part : parts) {
    if (!part.empty() && count < std::size(list)) list[count++] = {const_cast<char*>(part.data()), part.size()};
  }
  while (first < count) {
    msghdr message{};
    message.msg_iov = list + first, message.msg_iovlen = count - first;
    ssize_t n = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return close(), false;
    auto sent = static_cast<size_t>(n);
    while (first < count && sent >= list[first].iov_len) sent -= list[first++].iov_len;
    if (first < count) {
      list[first].iov_base = static_cast<char*>(list[first].iov_base) + sent;
      list[first].iov_len -= sent;
    }
  }
  return true;
}

bool HttpConnection::receive(HttpResponse& response) {
  ResponseParser parser;
  auto state = ResponseParser::State::kMore;
  char piece[65536];
  while (state == ResponseParser::State::kMore) {
    if (!buffer_.empty()) {
      size_t used = 0;
      state = parser.feed(buffer_, used);
      buffer_.erase(0, used);
      continue;
    }
    ssize_t n = recv(fd_, piece, sizeof piece, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      state = n == 0 ? parser.closed() : ResponseParser::State::kBad;
      break;
    }
    size_t used = 0;
    state = parser.feed({piece, static_cast<size_t>(n)}, used);
    buffer_.append(piece + used, static_cast<size_t>(n) - used);
  }
  bool good = state == ResponseParser::State::kDone;
  response = std::move(parser.response());
  if (!good || !response.keep_alive) close();
  return good;
}

}  // namespace lectern::sdk
