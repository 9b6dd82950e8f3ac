#include "engine/instance/response_stream.h"

#include <algorithm>
#include <utility>

namespace lectern::engine {

namespace {
constexpr size_t kMostUnsent = 1 << 20;    // bytes that a slow caller has not taken yet
constexpr Nanos kLookAgain = Millis(10);   // at such a caller
constexpr Nanos kLeastPause = Millis(2);
}  // namespace

void ResponseStream::begin(const std::shared_ptr<net::Exchange>& exchange, Invocation& invocation) {
  end();
  invocation_ = &invocation;
  exchange_ = exchange;
  type_ = exchange->request.headers.get("Content-Type");
  collected_.clear();
  size_ = 0;
  limit_ = uint64_t((invocation.streams() ? limits_.streamed_response : limits_.response_payload).value);
  begun_ = false;
  paid_until_ = SteadyTime{};
  exchange->onBody([this](std::string_view bytes) { piece(bytes); });
}

void ResponseStream::end() {
  invocation_ = nullptr;
  loop_.cancel(std::exchange(timer_, 0));
  paused_ = false;
  exchange_.reset();
}

void ResponseStream::piece(std::string_view bytes) {
  if (!invocation_ || tooLarge()) return;
  uint64_t room = limit_ - size_;
  size_ += bytes.size();
  if (tooLarge()) {
    bytes = bytes.substr(0, room);
    if (auto exchange = exchange_.lock()) exchange->dropBody();
  }
  if (!invocation_->streams()) {
    collected_ += bytes;
    return;
  }
  if (!std::exchange(begun_, true)) invocation_->on_begin(type_);
  invocation_->on_chunk(bytes);
  if (tooLarge()) return;
  // A bucket that holds `stream_burst` and gains `stream_rate` a second, as the time until which it is empty.
  int64_t rate = limits_.stream_rate.value;
  int64_t full_for = limits_.stream_burst.value * 1'000'000'000 / rate;
  paid_until_.nanos = std::max(paid_until_.nanos, loop_.now().nanos - full_for);
  paid_until_.nanos += int64_t(bytes.size()) * 1'000'000'000 / rate;
  pace();
}

/// Lets the function go on, or wait.
void ResponseStream::pace() {
  auto exchange = exchange_.lock();
  if (!invocation_ || !exchange || timer_ != 0) return;
  Nanos wait = paid_until_ - loop_.now();
  if (invocation_->unsent && invocation_->unsent() > kMostUnsent) wait = std::max(wait, kLookAgain);
  if (wait < kLeastPause) {
    if (std::exchange(paused_, false)) exchange->pauseBody(false);
    return;
  }
  paused_ = true;
  exchange->pauseBody(true);
  timer_ = loop_.after(wait, [this] {
    timer_ = 0;
    pace();
  });
}

}  // namespace lectern::engine
