#include "reader/values/checks.h"

#include <algorithm>
#include <array>
#include <map>

namespace lectern::reader {

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return c >= 'A' && c <= 'Z'; }
bool allDigits(std::string_view s) { return !s.empty() && std::all_of(s.begin(), s.end(), digit); }
int value(char c) { return digit(c) ? c - '0' : letter(c) ? c - 'A' + 10 : -1; }

/// Letters as two digits each, as IBAN and ISIN want it.
std::string expanded(std::string_view code) {
  std::string out;
  for (const char c : code) {
    const int v = value(c);
    if (v < 0) return "";
    out += std::to_string(v);
  }
  return out;
}

}  // namespace

bool luhn(std::string_view s) {
  if (s.size() < 2 || !allDigits(s)) return false;
  int sum = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    int d = s[s.size() - 1 - i] - '0';
    if (i % 2 == 1) {
      d *= 2;
      if (d > 9) d -= 9;
    }
    sum += d;
  }
  return sum % 10 == 0;
}

bool verhoeff(std::string_view s) {
  // The dihedral group of the pentagon: i + j by rotation, reflected from five on.
  static constexpr int kPermutation[8][10] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4},
                                              {5, 8, 0, 3, 7, 9, 6, 1, 4, 2}, {8, 9, 1, 6, 0, 4, 3, 5, 2, 7},
                                              {9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1},
                                              {2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8}};
  if (s.size() < 2 || !allDigits(s)) return false;
  int c = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    const int p = kPermutation[i % 8][s[s.size() - 1 - i] - '0'];
    if (c < 5)
      c = p < 5 ? (c + p) % 5 : 5 + (c + p) % 5;
    else
      c = p < 5 ? 5 + (c - 5 - p + 5) % 5 : (c - p + 10) % 5;
  }
  return c == 0;
}

bool mod97(std::string_view code) {
  int rest = 0;
  for (const char c : code) {
    const int v = value(c);
    if (v < 0) return false;
    rest = (v > 9 ? rest * 100 + v : rest * 10 + v) % 97;
  }
  return rest == 1;
}

bool mod11_10(std::string_view s) {
  if (s.size() < 2 || !allDigits(s)) return false;
  int p = 10;
  for (size_t i = 0; i + 1 < s.size(); ++i) {
    int sum = (s[i] - '0' + p) % 10;
    if (sum == 0) sum = 10;
    p = 2 * sum % 11;
  }
  return (p + s.back() - '0') % 10 == 1;
}

bool ibanShaped(std::string_view s) {
  static const std::map<std::string_view, size_t> kLength = {
      {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22}, {"BH", 22},
      {"BR", 29}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24}, {"DE", 22}, {"DK", 18}, {"DO", 28}, {"EE", 20},
      {"EG", 29}, {"ES", 24}, {"FI", 18}, {"FO", 18}, {"FR", 27}, {"GB", 22}, {"GE", 22}, {"GI", 23}, {"GL", 18},
      {"GR", 27}, {"GT", 28}, {"HR", 21}, {"HU", 28}, {"IE", 22}, {"IL", 23}, {"IS", 26}, {"IT", 27}, {"JO", 30},
      {"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21}, {"MC", 27}, {"MD", 24},
      {"ME", 22}, {"MK", 19}, {"MR", 27}, {"MT", 31}, {"MU", 30}, {"NL", 18}, {"NO", 15}, {"PK", 24}, {"PL", 28},
      {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"SA", 24}, {"SE", 24}, {"SI", 19}, {"SK", 24},
      {"SM", 27}, {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VG", 24}, {"XK", 20}};
  if (s.size() < 15 || s.size() > 34 || !digit(s[2]) || !digit(s[3])) return false;
  const auto it = kLength.find(s.substr(0, 2));
  return it != kLength.end() && it->second == s.size();
}

bool isIban(std::string_view s) {
  return ibanShaped(s) && mod97(std::string(s.substr(4)) + std::string(s.substr(0, 4)));
}

bool isLei(std::string_view s) { return s.size() == 20 && digit(s[18]) && digit(s[19]) && mod97(s); }

bool isIsin(std::string_view s) {
  if (s.size() != 12 || !letter(s[0]) || !letter(s[1]) || !digit(s[11])) return false;
  return luhn(expanded(s));
}

bool isCusip(std::string_view s) {
  if (s.size() != 9 || !digit(s[8])) return false;
  int sum = 0;
  for (size_t i = 0; i < 8; ++i) {
    int v = s[i] == '*' ? 36 : s[i] == '@' ? 37 : s[i] == '#' ? 38 : value(s[i]);
    if (v < 0) return false;
    if (i % 2 == 1) v *= 2;
    sum += v / 10 + v % 10;
  }
  return (10 - sum % 10) % 10 == s[8] - '0';
}

bool isGtin(std::string_view s) {
  const size_t n = s.size();
  if ((n != 8 && n != 12 && n != 13 && n != 14 && n != 18) || !allDigits(s)) return false;
  int sum = 0;
  for (size_t i = 0; i + 1 < n; ++i) sum += (s[n - 2 - i] - '0') * (i % 2 == 0 ? 3 : 1);
  return (10 - sum % 10) % 10 == s.back() - '0';
}

bool isIsbn13(std::string_view s) {
  return s.size() == 13 && (s.starts_with("978") || s.starts_with("979")) && isGtin(s);
}

bool isIsbn10(std::string_view s) {
  if (s.size() != 10 || !allDigits(s.substr(0, 9)) || (!digit(s[9]) && s[9] != 'X')) return false;
  int sum = 0;
  for (int i = 0; i < 10; ++i) {
    const char c = s[static_cast<size_t>(i)];
    sum += (10 - i) * (c == 'X' ? 10 : c - '0');
  }
  return sum % 11 == 0;
}

bool isIssn(std::string_view code) {
  std::string s;
  for (const char c : code) {
    if (c != '-') s += c;
  }
  if (s.size() != 8 || !allDigits(std::string_view(s).substr(0, 7)) || (!digit(s[7]) && s[7] != 'X')) return false;
  int sum = 0;
  for (int i = 0; i < 7; ++i) sum += (8 - i) * (s[static_cast<size_t>(i)] - '0');
  return (sum + (s[7] == 'X' ? 10 : s[7] - '0')) % 11 == 0;
}

bool isAba(std::string_view s) {
  if (s.size() != 9 || !allDigits(s)) return false;
  static constexpr int kWeights[] = {3, 7, 1};
  int sum = 0;
  for (size_t i = 0; i < 9; ++i) sum += kWeights[i % 3] * (s[i] - '0');
  return sum > 0 && sum % 10 == 0;
}

bool isVin(std::string_view s) {
  static constexpr int kWeights[] = {8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2};
  static constexpr std::string_view kLetters = "ABCDEFGH..JKLMN.P.R.STUVWXYZ";
  static constexpr std::string_view kValues = "12345678..12345.7.9.23456789";
  if (s.size() != 17) return false;
  int sum = 0;
  for (size_t i = 0; i < 17; ++i) {
    int v = digit(s[i]) ? s[i] - '0' : -1;
    if (v < 0) {
      const size_t at = s[i] == '.' ? std::string_view::npos : kLetters.find(s[i]);
      if (at == std::string_view::npos) return false;
      v = kValues[at] - '0';
    }
    sum += v * kWeights[i];
  }
  const int rest = sum % 11;
  return s[8] == (rest == 10 ? 'X' : static_cast<char>('0' + rest));
}

bool isContainer(std::string_view s) {
  if (s.size() != 11 || !allDigits(s.substr(4))) return false;
  if (s[3] != 'U' && s[3] != 'J' && s[3] != 'Z') return false;
  int sum = 0;
  for (size_t i = 0; i < 10; ++i) {
    int v = value(s[i]);
    if (i < 4) {
      if (!letter(s[i])) return false;
      const int letter_index = v - 10;  // multiples of eleven are left out of the letters' values
      v += (letter_index >= 1 ? 1 : 0) + (letter_index >= 11 ? 1 : 0) + (letter_index >= 21 ? 1 : 0);
    }
    sum += v << i;
  }
  return sum % 11 % 10 == s[10] - '0';
}

bool isBic(std::string_view s) {
  if (s.size() != 8 && s.size() != 11) return false;
  for (size_t i = 0; i < s.size(); ++i) {
    if (i < 6 ? !letter(s[i]) : value(s[i]) < 0) return false;
  }
  return true;
}

bool isMrzField(std::string_view s) {
  if (s.size() < 2 || !digit(s.back())) return false;
  static constexpr int kWeights[] = {7, 3, 1};
  int sum = 0;
  for (size_t i = 0; i + 1 < s.size(); ++i) {
    const int v = s[i] == '<' ? 0 : value(s[i]);
    if (v < 0) return false;
    sum += v * kWeights[i % 3];
  }
  return sum % 10 == s.back() - '0';
}

}  // namespace lectern::reader
