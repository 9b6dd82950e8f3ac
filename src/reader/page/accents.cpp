#include "reader/page/accents.h"

#include <algorithm>
#include <string_view>

namespace lectern::reader {

bool writtenWithoutAccents(const Page& page) {
  size_t accented = 0;
  for (const auto& w : page.words) {
    accented += std::any_of(w.text.begin(), w.text.end(), [](char c) {
      const auto u = static_cast<unsigned char>(c);
      return u >= 0xC3 && u <= 0xC5;
    });
  }
  return accented * 25 < page.words.size();
}

std::string withoutAccents(const std::string& text) {
  // Base letters of U+00C0 to U+017F; a space where a letter has none.
  static constexpr std::string_view kBase =
      "AAAAAA CEEEEIIII NOOOOO OUUUUY  aaaaaa ceeeeiiii nooooo ouuuuy yAaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGg"
      "HhHhIiIiIiIiIi  JjKk LlLlLl  LlNnNnNn   OoOoOo  RrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZz ";
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto u = static_cast<unsigned char>(text[i]);
    if (u >= 0xC3 && u <= 0xC5 && i + 1 < text.size()) {
      const size_t code = (static_cast<size_t>(u & 0x1F) << 6) | (static_cast<unsigned char>(text[i + 1]) & 0x3F);
      const char base = code - 0xC0 < kBase.size() ? kBase[code - 0xC0] : ' ';
      if (base != ' ') {
        out += base;
        ++i;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

}  // namespace lectern::reader
