#include "base/text.h"

#include <cstddef>

namespace lectern {

namespace {

/// Bytes of the UTF-8 character that `text` begins with; 0 when it begins with none or with a control character.
size_t characterLength(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  // The second byte's range excludes controls (C2), longer forms than needed (E0, F0), surrogates (ED), what is beyond
  // Unicode (F4).
  const unsigned low = first == 0xc2 || first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  }
  return length;
}

}  // namespace

std::string printable(std::string_view text, char with) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = characterLength(text);
    if (length == 0)
      out += with;
    else
      out += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace lectern
