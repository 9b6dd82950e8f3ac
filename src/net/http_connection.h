#pragma once
// One connection of an HttpServer: reads, parses, hands over, writes.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_parser.h"
#include "net/http_server.h"

namespace lectern::net {

class Connection final : public ParserEvents, public std::enable_shared_from_this<Connection> {
 public:
  Connection(HttpServer& server, Fd fd);
  ~Connection() override;
  void start();
  void close();
  /// Closes when it has been quiet for too long.
  void expire(SteadyTime now);

  // Called by the exchange.
  void sendResponse(Response& response);
  void sendHead(int status, const Headers& headers, bool& raw);
  void sendBytes(std::string_view bytes, bool chunk);
  void sendEnd(const Headers& trailers, bool chunked);
  void pauseReading(bool pause);
  size_t unsent() const { return unsent_; }
  std::string peerAddress() const;

 private:
  struct Piece {
    std::string text;
    Body body;  // when set, sent instead of text
    size_t sent = 0;
    std::string_view rest() const { return std::string_view(body ? *body : text).substr(sent); }
  };

  void onHead() override;
  void onBody(std::string_view bytes) override;
  void onReady(uint32_t ready);
  void process();
  void take(std::string_view bytes);
  bool readSome();
  void peerEnded();
  void dispatch();
  void reject(int status, const std::string& why);
  void answerDone();
  void flush();
  void lingerClose();

  HttpServer& server_;
  Fd fd_;
  HttpParser parser_;
  std::shared_ptr<Exchange> exchange_;  // until it is complete and handed over
  Exchange* current_ = nullptr;         // until it is answered or the connection goes
  std::string in_;                      // bytes read but not parsed yet
  std::vector<Piece> out_;
  size_t unsent_ = 0;
  bool busy_ = false;        // a request is being answered
  bool processing_ = false;  // process() is on the stack
  bool paused_ = false;      // the rest of this request's body is not read for now
  bool readable_ = false;
  bool peer_closed_ = false;
  bool read_all_ = false;  // the end of the peer's bytes was read
  bool close_after_ = false;
  bool lingering_ = false;
  bool drained_wanted_ = false;
  uint64_t late_flush_ = 0;  // timer
  uint64_t lingered_ = 0;
  SteadyTime last_progress_;
};

}  // namespace lectern::net
