#include <algorithm>
#include <array>
#include <cstdint>

#include "reader/values/checks.h"

namespace lectern::reader {

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return c >= 'A' && c <= 'Z'; }
bool allDigits(std::string_view s) { return !s.empty() && std::all_of(s.begin(), s.end(), digit); }
int value(char c) { return digit(c) ? c - '0' : letter(c) ? c - 'A' + 10 : -1; }

int64_t number(std::string_view s) {
  int64_t v = 0;
  for (const char c : s) v = v * 10 + (c - '0');
  return v;
}

template <size_t N>
int weighted(std::string_view s, const std::array<int, N>& weights) {
  int sum = 0;
  for (size_t i = 0; i < N; ++i) sum += weights[i] * (s[i] - '0');
  return sum;
}

bool french(std::string_view s) {
  if (s.size() != 11 || !allDigits(s)) return false;
  return (12 + 3 * (number(s.substr(2)) % 97)) % 97 == number(s.substr(0, 2));
}

bool british(std::string_view s) {
  if ((s.size() != 9 && s.size() != 12) || !allDigits(s)) return false;
  const int sum = weighted<7>(s, {8, 7, 6, 5, 4, 3, 2}) + static_cast<int>(number(s.substr(7, 2)));
  return sum % 97 == 0 || (sum + 55) % 97 == 0;
}

bool irish(std::string_view s) {
  if ((s.size() != 8 && s.size() != 9) || !allDigits(s.substr(0, 7)) || !letter(s[7])) return false;
  int sum = weighted<7>(s, {8, 7, 6, 5, 4, 3, 2});
  if (s.size() == 9) {
    if (!letter(s[8])) return false;
    sum += s[8] == 'W' ? 0 : 9 * (s[8] - 'A' + 1);
  }
  return s[7] == "WABCDEFGHIJKLMNOPQRSTUV"[sum % 23];
}

bool greek(std::string_view s) {
  if (s.size() != 9 || !allDigits(s)) return false;
  int sum = 0;
  for (size_t i = 0; i < 8; ++i) sum += (s[i] - '0') << (8 - i);
  return sum % 11 % 10 == s[8] - '0';
}

bool spanish(std::string_view s) {
  if (s.size() != 9) return false;
  static constexpr std::string_view kLetters = "TRWAGMYFPDXBNJZSQVHLCKE";
  if (letter(s[8]) && allDigits(s.substr(0, 8)))
    return s[8] == kLetters[static_cast<size_t>(number(s.substr(0, 8)) % 23)];
  if ((s[0] == 'X' || s[0] == 'Y' || s[0] == 'Z') && letter(s[8]) && allDigits(s.substr(1, 7))) {
    return s[8] == kLetters[static_cast<size_t>(((s[0] - 'X') * 10000000 + number(s.substr(1, 7))) % 23)];
  }
  if (!letter(s[0]) || !allDigits(s.substr(1, 7))) return false;
  int sum = 0;
  for (size_t i = 1; i <= 7; ++i) {
    const int d = s[i] - '0';
    sum += i % 2 == 1 ? d * 2 / 10 + d * 2 % 10 : d;
  }
  const int check = (10 - sum % 10) % 10;
  return s[8] == '0' + check || s[8] == "JABCDEFGHI"[check];
}

bool polish(std::string_view s) {
  return s.size() == 10 && allDigits(s) && weighted<9>(s, {6, 5, 7, 2, 3, 4, 5, 6, 7}) % 11 == s[9] - '0';
}

bool dutch(std::string_view s) {
  if (s.size() != 12 || s[9] != 'B' || !allDigits(s.substr(0, 9)) || !allDigits(s.substr(10))) return false;
  if (weighted<8>(s, {9, 8, 7, 6, 5, 4, 3, 2}) % 11 == s[8] - '0') return true;
  return mod97("NL" + std::string(s));  // the form since 2020
}

bool austrian(std::string_view s) {
  if (s.size() != 9 || s[0] != 'U' || !allDigits(s.substr(1))) return false;
  int sum = 4;
  for (size_t i = 1; i < 8; ++i) {
    const int d = (s[i] - '0') * (i % 2 == 0 ? 2 : 1);
    sum += d / 10 + d % 10;
  }
  return (10 - sum % 10) % 10 == s[8] - '0';
}

bool elevenRest(std::string_view s, std::array<int, 7> weights) {
  if (s.size() != 8 || !allDigits(s)) return false;
  const int rest = 11 - weighted<7>(s, weights) % 11;
  return rest % 11 == s[7] - '0' && rest != 10;
}

bool portuguese(std::string_view s) {
  if (s.size() != 9 || !allDigits(s)) return false;
  const int rest = 11 - weighted<8>(s, {9, 8, 7, 6, 5, 4, 3, 2}) % 11;
  return (rest > 9 ? 0 : rest) == s[8] - '0';
}

}  // namespace

bool isGstin(std::string_view s) {
  if (s.size() != 15 || !allDigits(s.substr(0, 2)) || !isPan(s.substr(2, 10)) || s[13] != 'Z') return false;
  const int64_t state = number(s.substr(0, 2));
  if ((state < 1 || state > 38) && state != 97) return false;
  int sum = 0;
  for (size_t i = 0; i < 14; ++i) {
    const int v = value(s[i]);
    if (v < 0) return false;
    const int p = v * (i % 2 == 0 ? 1 : 2);
    sum += p / 36 + p % 36;
  }
  return (36 - sum % 36) % 36 == value(s[14]);
}

bool isPan(std::string_view s) {
  if (s.size() != 10 || !allDigits(s.substr(5, 4)) || !letter(s[9])) return false;
  if (!std::all_of(s.begin(), s.begin() + 5, letter)) return false;
  return std::string_view("PCHFATBLJG").find(s[3]) != std::string_view::npos;
}

bool isIfsc(std::string_view s) {
  if (s.size() != 11 || s[4] != '0' || !std::all_of(s.begin(), s.begin() + 4, letter)) return false;
  return std::all_of(s.begin() + 5, s.end(), [](char c) { return value(c) >= 0; });
}

bool isAadhaar(std::string_view s) { return s.size() == 12 && s[0] >= '2' && verhoeff(s); }

bool isVat(std::string_view s) {
  if (s.size() < 4) return false;
  const std::string_view country = s.substr(0, 2), rest = s.substr(2);
  if (country == "DE") return rest.size() == 9 && mod11_10(rest);
  if (country == "FR") return french(rest);
  if (country == "IT") return rest.size() == 11 && luhn(rest);
  if (country == "GB") return british(rest);
  if (country == "BE") {
    return rest.size() == 10 && allDigits(rest) && 97 - number(rest.substr(0, 8)) % 97 == number(rest.substr(8));
  }
  if (country == "GR" || country == "EL") return greek(rest);
  if (country == "IE") return irish(rest);
  if (country == "ES") return spanish(rest);
  if (country == "PL") return polish(rest);
  if (country == "NL") return dutch(rest);
  if (country == "AT") return austrian(rest);
  if (country == "LU")
    return rest.size() == 8 && allDigits(rest) && number(rest.substr(0, 6)) % 89 == number(rest.substr(6));
  if (country == "DK")
    return rest.size() == 8 && allDigits(rest) && weighted<8>(rest, {2, 7, 6, 5, 4, 3, 2, 1}) % 11 == 0;
  if (country == "SE") return rest.size() == 12 && allDigits(rest) && luhn(rest.substr(0, 10));
  if (country == "FI") return elevenRest(rest, {7, 9, 10, 5, 8, 4, 2});
  if (country == "PT") return portuguese(rest);
  return false;
}

}  // namespace lectern::reader
