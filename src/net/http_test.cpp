#include <gtest/gtest.h>

#include "net/http_parser.h"
#include "net/sigv4.h"
#include "net/url.h"

namespace lectern::net {
namespace {

struct Keep : ParserEvents {
  void onHead() override { ++heads; }
  void onBody(std::string_view bytes) override { body += bytes; }
  int heads = 0;
  std::string body;
};

std::string feedInPieces(HttpParser& parser, std::string_view message, size_t piece) {
  std::string rest;
  for (size_t i = 0; i < message.size() && parser.state() == HttpParser::State::kNeedMore; i += piece) {
    rest += message.substr(i, piece);
    rest.erase(0, parser.feed(rest));
  }
  return rest;
}

TEST(HttpParser, ChunkedBodyWithTrailersInPiecesOfAnySize) {
  std::string message =
      "POST /a?b=c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: Lambda-Error\r\n\r\n"
      "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nLambda-Error: bad\r\n\r\n";
  for (size_t piece = 1; piece <= message.size(); ++piece) {
    Keep keep;
    HttpParser parser(HttpParser::Kind::kRequest, &keep);
    feedInPieces(parser, message, piece);
    ASSERT_EQ(parser.state(), HttpParser::State::kDone) << piece << parser.error();
    EXPECT_EQ(keep.body, "hello world");
    EXPECT_EQ(keep.heads, 1);
    EXPECT_EQ(parser.trailers().get("lambda-error"), "bad");
    EXPECT_EQ(parser.method(), "POST");
    EXPECT_EQ(parser.target(), "/a?b=c");
  }
}

TEST(HttpParser, AnEmptyChunkedBodyByteByByte) {
  std::string message = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  Keep keep;
  HttpParser parser(HttpParser::Kind::kRequest, &keep);
  feedInPieces(parser, message, 1);
  EXPECT_EQ(parser.state(), HttpParser::State::kDone);
  EXPECT_EQ(keep.body, "");
}

TEST(HttpParser, PipelinedRequestsAreTakenOneByOne) {
  Keep keep;
  HttpParser parser(HttpParser::Kind::kRequest, &keep);
  std::string two = "GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
  size_t used = parser.feed(two);
  ASSERT_EQ(parser.state(), HttpParser::State::kDone);
  EXPECT_EQ(parser.target(), "/1");
  two.erase(0, used);
  parser.next();
  EXPECT_EQ(parser.feed(two), two.size());
  EXPECT_EQ(parser.state(), HttpParser::State::kDone);
  EXPECT_EQ(keep.body, "abc");
}

TEST(HttpParser, BadMessagesAreRefused) {
  std::string bomb = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 300; ++i) bomb += "A: b\r\n";
  std::vector<std::string> bad = {"nonsense\r\n\r\n",
                                  "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                                  "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                                  "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                                  "GET / HTTP/1.1\r\n: empty\r\n\r\n",
                                  "GET / HTTP/1.1\r\nA: " + std::string(100'000, 'x') + "\r\n\r\n",
                                  bomb + "\r\n"};
  for (auto& message : bad) {
    Keep keep;
    HttpParser parser(HttpParser::Kind::kRequest, &keep);
    parser.feed(message);
    EXPECT_EQ(parser.state(), HttpParser::State::kBad) << message.substr(0, 80);
  }
}

TEST(HttpParser, EndOfConnection) {
  Keep keep;
  HttpParser response(HttpParser::Kind::kResponse, &keep);
  response.feed("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  EXPECT_TRUE(response.finishAtEof());
  EXPECT_EQ(keep.body, "until the end");
  HttpParser request(HttpParser::Kind::kRequest, &keep);
  request.feed("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_FALSE(request.finishAtEof());
}

TEST(Headers, CaseAndReplacement) {
  Headers headers;
  headers.add("X-Amz-Date", "1");
  headers.set("x-amz-date", "2");
  headers.set("Other", "3");
  EXPECT_EQ(headers.get("X-AMZ-DATE"), "2");
  EXPECT_EQ(headers.size(), 2u);
  EXPECT_FALSE(headers.find("none"));
}

TEST(Url, DecodeEncodeQuery) {
  EXPECT_EQ(percentDecode("arn%3Aaws%3alambda"), "arn:aws:lambda");
  EXPECT_FALSE(percentDecode("%4"));
  EXPECT_FALSE(percentDecode("%zz"));
  EXPECT_FALSE(percentDecode("a%00b"));
  EXPECT_EQ(percentEncode("a b/c", true), "a%20b/c");
  EXPECT_EQ(queryValue("Qualifier=%24LATEST&List=ALL", "Qualifier"), "$LATEST");
  EXPECT_FALSE(queryValue("a=1", "b"));
  EXPECT_EQ(parseHostPort("127.0.0.1:0")->port, 0);
  EXPECT_FALSE(parseHostPort("127.0.0.1:99999"));
  EXPECT_EQ(parseHttpUrl("http://localhost:9000/x/")->base_path, "/x");
}

TEST(SigV4, SignsAndVerifies) {
  Credentials credentials{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
  WallTime now{1'700'000'000'000};
  Request request;
  request.method = "POST";
  request.target = "/2015-03-31/functions/arn%3Aaws%3Alambda/invocations?Qualifier=%24LATEST";
  request.body = "{}";
  signRequest(request.headers, request.method, request.target, "localhost:1", request.body, "us-east-1", "lambda",
              credentials, now);
  EXPECT_TRUE(verifyRequest(request, credentials, now));
  EXPECT_FALSE(verifyRequest(request, credentials, {now.epoch_millis + 10 * 60 * 1000}));
  request.body = "{ }";
  EXPECT_FALSE(verifyRequest(request, credentials, now));
  EXPECT_FALSE(verifyRequest(Request{}, credentials, now));
}

// The example "get-vanilla" of AWS's signature test suite.
TEST(SigV4, KnownSignature) {
  Credentials credentials{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
  Headers headers;
  signRequest(headers, "GET", "/", "example.amazonaws.com", "", "us-east-1", "service", credentials, {1440938160000});
  auto scope = parseAuthorization(headers.get("Authorization"));
  ASSERT_TRUE(scope);
  EXPECT_EQ(scope->signature, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

}  // namespace
}  // namespace lectern::net
