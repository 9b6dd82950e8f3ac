#pragma once
// A small blocking HTTP/1.1 client for one server: what the Runtime API needs and no more.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lectern::sdk {

struct HttpResponse {
  int status = 0;
  std::string body;
  bool keep_alive = true;
  void addHeader(std::string_view name, std::string_view value);
  /// The header's value, or "".
  std::string_view header(std::string_view lower_case_name) const;

 private:
  struct Field {
    size_t name, name_size, value, value_size;
  };
  std::string text_;  // names in lower case, and values
  std::vector<Field> fields_;
};

/// Takes the bytes of a response piece by piece and never reads beyond its end. Bounded: 64 KB of headers, 256 MB of
/// body.
class ResponseParser {
 public:
  enum class State { kMore, kDone, kBad };
  /// Consumes what belongs to this response; the rest of `bytes` stays with the caller (`used` tells how much was
  /// taken).
  State feed(std::string_view bytes, size_t& used);
  /// The server closed the connection: done when the body was to end that way, bad otherwise.
  State closed();
  HttpResponse& response() { return response_; }

 private:
  enum class Phase { kHead, kBody, kChunkSize, kChunkData, kChunkEnd, kTrailer, kUntilClose, kDone, kBad };
  State bad();
  bool takeLine(std::string_view& rest, std::string_view& line);
  void afterHead();

  Phase phase_ = Phase::kHead;
  std::string line_;  // a line that has come in pieces
  bool line_whole_ = false;
  size_t head_bytes_ = 0;
  size_t left_ = 0;  // of the body or the chunk
  bool first_line_ = true;
  HttpResponse response_;
};

/// One keep-alive connection, made when first needed.
class HttpConnection {
 public:
  /// `address` is "127.0.0.1:9001"; only IPv4 numbers and "localhost".
  explicit HttpConnection(std::string address) : address_(std::move(address)) {}
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;

  const std::string& address() const { return address_; }
  /// Sends all parts in order, four at most; false when the connection is broken.
  bool send(std::initializer_list<std::string_view> parts);
  /// Waits for the next response, without limit; false when the connection broke or the answer is no HTTP.
  bool receive(HttpResponse& response);
  void close();

 private:
  bool connect();
  std::string address_;
  std::string buffer_;  // received and not yet used
  int fd_ = -1;
};

}  // namespace lectern::sdk
