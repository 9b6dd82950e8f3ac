#pragma once
// Parses HTTP/1.1 messages from pieces of bytes, without I/O.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace lectern::net {

/// Told about the message while it is parsed.
class ParserEvents {
 public:
  virtual ~ParserEvents() = default;
  /// The head is complete (accessors of the parser are valid).
  virtual void onHead() = 0;
  virtual void onBody(std::string_view bytes) = 0;
};

/// One parser parses one message after the other: next() between them.
class HttpParser {
 public:
  enum class Kind { kRequest, kResponse };
  enum class State { kNeedMore, kDone, kBad };

  HttpParser(Kind kind, ParserEvents* events, uint32_t header_limit = 64 * 1024, size_t max_fields = 200);
  ~HttpParser();

  /// Takes bytes; returns how many it used. Unused ones belong to the same message when state() is kNeedMore (offer
  /// them again with more behind them), else to the next message.
  size_t feed(std::string_view bytes);
  State state() const;
  /// Why state() is kBad, and the HTTP status for it (400, 431, 501, 505).
  const std::string& error() const;
  int errorStatus() const;
  /// The connection has ended: a body without length is complete then, anything else is cut short (false).
  bool finishAtEof();
  /// Whether anything of the message has come.
  bool started() const;
  /// Gets ready for the next message; header storage is reused.
  void next();
  /// A response to HEAD has no body whatever its headers say.
  void expectNoBody();

  bool headDone() const;
  std::string& method();
  std::string& target();
  int status() const;
  /// 10 or 11, of a request.
  int version() const;
  Headers& headers();
  Headers& trailers();
  bool keepAlive() const;
  bool chunked() const;
  bool expectContinue() const;
  std::optional<uint64_t> contentLength() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lectern::net
