#pragma once
// An answer that a function sends in pieces: handed on to the caller at Lambda's pace, or collected for a caller that wants it
// whole. What cannot be handed on yet stays with the function, whose writes then wait.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "contract/limits.h"
#include "engine/instance/invocation.h"
#include "net/http_server.h"
#include "net/loop.h"

namespace lectern::engine {

class ResponseStream {
 public:
  ResponseStream(net::Loop& loop, const contract::Limits& limits) : loop_(loop), limits_(limits) {}
  ~ResponseStream() { end(); }

  /// Takes the body of `exchange` as the answer to `invocation`; both outlive the stream, or end() is called before. When it
  /// gets too large, no more of it is read.
  void begin(const std::shared_ptr<net::Exchange>& exchange, Invocation& invocation);
  /// No more of it is handed on.
  void end();
  /// More came than an answer of its kind may have.
  bool tooLarge() const { return size_ > limit_; }
  uint64_t limit() const { return limit_; }
  /// What was collected.
  std::string take() { return std::move(collected_); }

 private:
  void piece(std::string_view bytes);
  void pace();

  net::Loop& loop_;
  const contract::Limits& limits_;
  Invocation* invocation_ = nullptr;
  std::weak_ptr<net::Exchange> exchange_;
  std::string type_, collected_;
  uint64_t size_ = 0, limit_ = 0;
  bool begun_ = false, paused_ = false;
  SteadyTime paid_until_;  // when the bytes so far have been earned at the sustained rate
  uint64_t timer_ = 0;
};

}  // namespace lectern::engine
