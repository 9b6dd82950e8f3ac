#include "contract/json_check.h"

#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace lectern::contract {

namespace {

constexpr int kMaxDepth = 512;

class Checker {
 public:
  explicit Checker(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  /// Values and containers with a stack of bits instead of recursion.
  bool run() {
    space();
    for (;;) {
      if (at_ == end_) return false;
      char c = *at_;
      if (c == '{' || c == '[') {
        if (depth_ == kMaxDepth) return false;
        ++at_;
        in_object_[depth_++] = c == '{';
        space();
        if (at_ == end_) return false;
        if (*at_ == (c == '{' ? '}' : ']')) {
          if (!close()) return false;
        } else {
          if (c == '{' && !key()) return false;
          continue;
        }
      } else if (!scalar()) {
        return false;
      }
      // A value has ended: what follows it?
      for (;;) {
        space();
        if (depth_ == 0) return at_ == end_;
        if (at_ == end_) return false;
        if (*at_ == ',') {
          ++at_;
          space();
          if (in_object_[depth_ - 1] && !key()) return false;
          break;
        }
        if (!close()) return false;
      }
    }
  }

 private:
  void space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }

  bool close() {
    if (*at_ != (in_object_[depth_ - 1] ? '}' : ']')) return false;
    ++at_;
    --depth_;
    return true;
  }

  bool key() {
    if (at_ == end_ || *at_ != '"' || !string()) return false;
    space();
    if (at_ == end_ || *at_ != ':') return false;
    ++at_;
    space();
    return true;
  }

  bool word(const char* text) {
    size_t n = strlen(text);
    if (size_t(end_ - at_) < n || memcmp(at_, text, n) != 0) return false;
    at_ += n;
    return true;
  }

  bool scalar() {
    switch (*at_) {
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  bool digits() {
    const char* from = at_;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    return at_ != from;
  }

  bool number() {
    if (*at_ == '-') ++at_;
    if (at_ == end_) return false;
    if (*at_ == '0') {
      ++at_;
    } else if (!digits()) {
      return false;
    }
    if (at_ != end_ && *at_ == '.') {
      ++at_;
      if (!digits()) return false;
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (!digits()) return false;
    }
    return true;
  }

  /// Passes over bytes that need no look: neither quote, backslash, control character nor beyond ASCII.
  void plain() {
#ifdef __SSE2__
    while (end_ - at_ >= 16) {
      __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at_));
      __m128i special =
          _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
      // Signed comparison: control characters and all bytes above 127 are below the space.
      special = _mm_or_si128(special, _mm_cmplt_epi8(bytes, _mm_set1_epi8(' ')));
      int mask = _mm_movemask_epi8(special);
      if (mask != 0) {
        at_ += __builtin_ctz(unsigned(mask));
        return;
      }
      at_ += 16;
    }
#endif
    while (at_ != end_ && *at_ != '"' && *at_ != '\\' && *at_ >= ' ') ++at_;
  }

  bool string() {
    ++at_;
    for (;;) {
      plain();
      if (at_ == end_) return false;
      auto c = static_cast<unsigned char>(*at_);
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c == '\\') {
        if (!escape()) return false;
      } else if (c < ' ' || !utf8()) {
        return false;
      }
    }
  }

  bool escape() {
    if (end_ - at_ < 2) return false;
    char c = at_[1];
    at_ += 2;
    if (c != 'u') return c != '\0' && strchr("\"\\/bfnrt", c) != nullptr;
    if (end_ - at_ < 4) return false;
    for (int i = 0; i < 4; ++i) {
      char h = *at_++;
      if (!((h >= '0' && h <= '9') || (h >= 'a' && h <= 'f') || (h >= 'A' && h <= 'F'))) return false;
    }
    return true;
  }

  bool utf8() {
    auto byte = [&](int i) { return static_cast<unsigned char>(at_[i]); };
    unsigned char c = byte(0);
    int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
    if (c < 0xC2 || c > 0xF4 || end_ - at_ <= more) return false;
    for (int i = 1; i <= more; ++i) {
      if ((byte(i) & 0xC0) != 0x80) return false;
    }
    // Overlong forms, surrogates, beyond U+10FFFF.
    unsigned char d = byte(1);
    if ((c == 0xE0 && d < 0xA0) || (c == 0xED && d > 0x9F) || (c == 0xF0 && d < 0x90) || (c == 0xF4 && d > 0x8F)) {
      return false;
    }
    at_ += more + 1;
    return true;
  }

  const char* at_;
  const char* end_;
  int depth_ = 0;
  bool in_object_[kMaxDepth];
};

}  // namespace

bool isJson(std::string_view text) { return !text.empty() && Checker(text).run(); }

}  // namespace lectern::contract
