// HTTP messages: however they are cut into pieces, the parser says the same.

#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "net/http_parser.h"

namespace {

using lectern::net::HttpParser;

struct Keep : lectern::net::ParserEvents {
  void onHead() override { ++heads; }
  void onBody(std::string_view bytes) override { body += bytes; }
  int heads = 0;
  std::string body;
};

struct Seen {
  HttpParser::State state;
  std::string body, target;
  int heads;
  bool operator==(const Seen&) const = default;
};

Seen parse(HttpParser::Kind kind, const std::string& text, size_t piece) {
  Keep keep;
  HttpParser parser(kind, &keep, 2048, 20);
  std::string rest;
  for (size_t at = 0; at < text.size() && parser.state() == HttpParser::State::kNeedMore; at += piece) {
    rest += text.substr(at, piece);
    rest.erase(0, parser.feed(rest));
  }
  return {parser.state(), keep.body, parser.headDone() ? parser.target() : "", keep.heads};
}

}  // namespace

std::vector<std::string> fuzzSeeds() {
  return {"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n\r\n",
          "POST /x HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
          "POST /y HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.0 404 Not Found\r\n\r\nuntil the end"};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  for (auto kind : {HttpParser::Kind::kRequest, HttpParser::Kind::kResponse}) {
    Seen whole = parse(kind, text, text.size() + 1);
    Seen bytes = parse(kind, text, 1);
    // Limits on a head may strike earlier or later; a message that is good is good in any cut.
    if (whole.state == HttpParser::State::kDone) CHECK(bytes == whole);
  }
  return 0;
}
