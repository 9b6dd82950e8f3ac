#include "sdk/http.h"

#include <gtest/gtest.h>

#include <random>

namespace lectern::sdk {
namespace {

using State = ResponseParser::State;

/// Feeds the text in pieces of the given size.
State parse(const std::string& text, size_t piece, HttpResponse& response, size_t& total) {
  ResponseParser parser;
  State state = State::kMore;
  total = 0;
  while (state == State::kMore && total < text.size()) {
    size_t used = 0;
    std::string_view part = std::string_view(text).substr(total, piece);
    state = parser.feed(part, used);
    EXPECT_LE(used, part.size());
    total += used;
    if (state == State::kMore) {
      EXPECT_EQ(used, part.size());
    }
  }
  response = parser.response();
  return state;
}

TEST(ResponseParser, LengthAndChunksInAnyPieces) {
  const std::string plain =
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nLambda-Runtime-Aws-Request-Id:  abc \r\n\r\nhello";
  const std::string chunks =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: x\r\n\r\n";
  for (const auto& text : {plain, chunks}) {
    for (size_t piece = 1; piece <= text.size() + 4; ++piece) {
      HttpResponse response;
      size_t used = 0;
      ASSERT_EQ(parse(text + "HTTP/", piece, response, used), State::kDone) << piece;
      EXPECT_EQ(used, text.size());
      EXPECT_EQ(response.body, "hello");
      EXPECT_EQ(response.status, 200);
      EXPECT_TRUE(response.keep_alive);
    }
  }
  HttpResponse response;
  size_t used;
  parse(plain, 1000, response, used);
  EXPECT_EQ(response.header("lambda-runtime-aws-request-id"), "abc");
}

TEST(ResponseParser, SkipsInterimAnswersAndKnowsEmptyOnes) {
  HttpResponse response;
  size_t used;
  EXPECT_EQ(
      parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 7, response, used),
      State::kDone);
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(parse("HTTP/1.1 204 No Content\r\n\r\n", 100, response, used), State::kDone);
}

TEST(ResponseParser, BodyUntilClose) {
  ResponseParser parser;
  size_t used;
  EXPECT_EQ(parser.feed("HTTP/1.0 200 OK\r\n\r\nabc", used), State::kMore);
  EXPECT_EQ(parser.closed(), State::kDone);
  EXPECT_EQ(parser.response().body, "abc");
  EXPECT_FALSE(parser.response().keep_alive);
  ResponseParser cut;
  EXPECT_EQ(cut.feed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", used), State::kMore);
  EXPECT_EQ(cut.closed(), State::kBad);
}

TEST(ResponseParser, RefusesWhatIsWrong) {
  for (const char* text : {"HTTX/1.1 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n"}) {
    HttpResponse response;
    size_t used;
    EXPECT_EQ(parse(text, 1000, response, used), State::kBad) << text;
  }
  HttpResponse response;
  size_t used;
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'a'), 4096, response, used), State::kBad);
}

TEST(ResponseParser, RandomBytesNeverBreakIt) {
  std::mt19937 random(7);
  const std::string seed =
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seed;
    for (unsigned i = random() % 8; i > 0; --i) {
      switch (random() % 3) {
        case 0:
          text[random() % text.size()] = static_cast<char>(random());
          break;
        case 1:
          text.erase(random() % text.size(), random() % 5);
          break;
        default:
          text.insert(random() % text.size(), text.substr(random() % text.size(), random() % 9));
      }
      if (text.empty()) text = "x";
    }
    HttpResponse response;
    size_t used;
    State whole = parse(text, text.size(), response, used);
    HttpResponse pieces;
    size_t used_in_pieces;
    EXPECT_EQ(whole, parse(text, 1 + random() % 9, pieces, used_in_pieces));
    EXPECT_EQ(response.body, pieces.body);
  }
}

}  // namespace
}  // namespace lectern::sdk
