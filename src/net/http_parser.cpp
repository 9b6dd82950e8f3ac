#include "net/http_parser.h"

// Beast asserts that a last chunk that came in two pieces has at least five bytes by then; "0\r\n" and one byte more
// have four. What follows is right for them, so bytes from outside must not end the program there.
#define BOOST_DISABLE_ASSERTS
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace lectern::net {

namespace http = boost::beast::http;
using boost::beast::string_view;
using ErrorCode = boost::beast::error_code;

namespace {

std::string_view plain(string_view s) { return {s.data(), s.size()}; }

/// What both kinds of message collect.
struct Collected {
  ParserEvents* events = nullptr;
  size_t max_fields = 200;
  std::string method, target;
  int status = 0;
  int version = 11;
  Headers headers, trailers;
  bool head_done = false;
  std::optional<uint64_t> content_length;
};

template <bool kIsRequest>
class Parser final : public http::basic_parser<kIsRequest> {
 public:
  Parser(Collected& out, uint32_t header_limit) : out_(out) {
    this->eager(true);
    this->header_limit(header_limit);
    this->body_limit(boost::none);  // limits on bodies are the caller's, who must still read them off the connection
  }

 protected:
  void on_request_impl(http::verb, string_view method, string_view target, int version, ErrorCode&) override {
    out_.version = version;
    out_.method.assign(method.data(), method.size());
    out_.target.assign(target.data(), target.size());
  }
  void on_response_impl(int code, string_view, int, ErrorCode&) override { out_.status = code; }
  void on_field_impl(http::field, string_view name, string_view value, ErrorCode& error) override {
    Headers& into = out_.head_done ? out_.trailers : out_.headers;
    if (into.size() >= out_.max_fields) {
      error = http::error::header_limit;
      return;
    }
    into.add(plain(name), plain(value));
  }
  void on_header_impl(ErrorCode&) override { out_.head_done = true; }
  void on_body_init_impl(boost::optional<std::uint64_t> const& length, ErrorCode&) override {
    if (length) out_.content_length = *length;
  }
  std::size_t on_body_impl(string_view body, ErrorCode&) override {
    announce();
    out_.events->onBody(plain(body));
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view, ErrorCode&) override { announce(); }
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, ErrorCode&) override {
    announce();
    if (!body.empty()) out_.events->onBody(plain(body));
    return body.size();
  }
  void on_finish_impl(ErrorCode&) override { announce(); }

 public:
  void announce() {
    if (announced_) return;
    announced_ = true;
    out_.events->onHead();
  }

 private:
  Collected& out_;
  bool announced_ = false;
};

}  // namespace

struct HttpParser::Impl {
  Kind kind;
  uint32_t header_limit;
  Collected out;
  std::optional<Parser<true>> request;
  std::optional<Parser<false>> response;
  State state = State::kNeedMore;
  std::string error;
  int error_status = 400;
  bool started = false;
  bool no_body = false;

  void restart() {
    out.method.clear();
    out.target.clear();
    out.status = 0;
    out.headers.clear();
    out.trailers.clear();
    out.head_done = false;
    out.content_length.reset();
    state = State::kNeedMore;
    started = false;
    if (kind == Kind::kRequest) {
      request.emplace(out, header_limit);
    } else {
      response.emplace(out, header_limit);
      if (no_body) response->skip(true);
    }
  }

  template <typename F>
  auto with(F f) const {
    return kind == Kind::kRequest ? f(*request) : f(*response);
  }
  template <typename F>
  auto with(F f) {
    return kind == Kind::kRequest ? f(*request) : f(*response);
  }

  void bad(const ErrorCode& code) {
    state = State::kBad;
    error = code.message();
    if (code == http::error::header_limit || code == http::error::buffer_overflow) error_status = 431;
    if (code == http::error::bad_version) error_status = 505;
  }
};

HttpParser::HttpParser(Kind kind, ParserEvents* events, uint32_t header_limit, size_t max_fields)
    : impl_(std::make_unique<Impl>()) {
  impl_->kind = kind;
  impl_->header_limit = header_limit;
  impl_->out.events = events;
  impl_->out.max_fields = max_fields;
  impl_->restart();
}

HttpParser::~HttpParser() = default;

size_t HttpParser::feed(std::string_view bytes) {
  size_t used = 0;
  while (used < bytes.size() && impl_->state == State::kNeedMore) {
    impl_->started = true;
    ErrorCode code;
    size_t n = impl_->with(
        [&](auto& parser) { return parser.put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), code); });
    used += n;
    bool waiting = code == http::error::need_more;
    if (code && !waiting) {
      impl_->bad(code);
      break;
    }
    if (impl_->with([](auto& parser) { return parser.is_done(); })) {
      impl_->with([](auto& parser) {
        parser.announce();
        return 0;
      });
      impl_->state = State::kDone;
      break;
    }
    if (impl_->out.head_done) {
      impl_->with([](auto& parser) {
        parser.announce();
        return 0;
      });
    } else if (bytes.size() - used > impl_->header_limit) {
      impl_->bad(http::error::header_limit);
      break;
    }
    if (waiting || n == 0) break;
  }
  return used;
}

HttpParser::State HttpParser::state() const { return impl_->state; }
const std::string& HttpParser::error() const { return impl_->error; }
int HttpParser::errorStatus() const { return impl_->error_status; }

bool HttpParser::finishAtEof() {
  if (impl_->state == State::kDone) return true;
  if (!impl_->started || !impl_->out.head_done || impl_->state == State::kBad) return false;
  ErrorCode code;
  impl_->with([&](auto& parser) {
    parser.put_eof(code);
    return 0;
  });
  if (code) return false;
  impl_->state = State::kDone;
  return true;
}

bool HttpParser::started() const { return impl_->started; }
void HttpParser::next() { impl_->restart(); }
void HttpParser::expectNoBody() {
  impl_->no_body = true;
  impl_->restart();
}
bool HttpParser::headDone() const { return impl_->out.head_done; }
std::string& HttpParser::method() { return impl_->out.method; }
std::string& HttpParser::target() { return impl_->out.target; }
int HttpParser::version() const { return impl_->out.version; }
int HttpParser::status() const { return impl_->out.status; }
Headers& HttpParser::headers() { return impl_->out.headers; }
Headers& HttpParser::trailers() { return impl_->out.trailers; }
bool HttpParser::keepAlive() const {
  return impl_->with([](const auto& parser) { return parser.keep_alive(); });
}
bool HttpParser::chunked() const {
  return impl_->with([](const auto& parser) { return parser.chunked(); });
}
bool HttpParser::expectContinue() const { return equalsIgnoreCase(impl_->out.headers.get("Expect"), "100-continue"); }
std::optional<uint64_t> HttpParser::contentLength() const { return impl_->out.content_length; }

}  // namespace lectern::net
