#include "reader/relations/repair.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "reader/page/place_words.h"

namespace lectern::reader {

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isCapital(char c) { return c >= 'A' && c <= 'Z'; }
bool isSmall(char c) { return c >= 'a' && c <= 'z'; }
bool isLetter(char c) { return isCapital(c) || isSmall(c); }
char upper(char c) { return isSmall(c) ? static_cast<char>(c - 32) : c; }
char smaller(char c) { return isCapital(c) ? static_cast<char>(c + 32) : c; }

// Groups of signs that recognition takes for one another.
constexpr std::array<std::string_view, 17> kLookAlike = {"IL1J!|T", "O0DQU", "CGOEQ6", "S58B3G", "AEO4", "HNMKB",
                                                         "KXR",     "Z27",   "UVYN",   "GQ9",    "YGJV", "RPFB",
                                                         "EFB",     "MWN",   "VW",     "TF7",    "LU"};

bool lookAlike(char a, char b) {
  return std::any_of(kLookAlike.begin(), kLookAlike.end(), [&](std::string_view group) {
    return group.find(a) != group.npos && group.find(b) != group.npos;
  });
}

/// How far a reading is from a word: 0 the same, 1 one look-alike, 2 what longer words may be off by, 3 anything more.
int distance(std::string_view read, std::string_view word) {
  if (read.size() == word.size()) {
    int alike = 0, other = 0;
    for (size_t i = 0; i < read.size(); ++i) {
      if (read[i] == word[i]) continue;
      ++(lookAlike(read[i], word[i]) ? alike : other);
    }
    if (other == 0 && (alike < 2 || word.size() >= 8)) return std::min(alike, 3);
    return other == 1 && alike == 0 && word.size() >= 7 ? 2 : 3;
  }
  const std::string_view& longer = read.size() > word.size() ? read : word;
  const std::string_view& shorter = read.size() > word.size() ? word : read;
  if (longer.size() != shorter.size() + 1) return 3;
  size_t i = 0;
  while (i < shorter.size() && longer[i] == shorter[i]) ++i;
  // A letter more at the end is a form of the word, not a misreading.
  if (i == shorter.size() || longer.substr(i + 1) != shorter.substr(i)) return 3;
  // Between wide letters a thin one is lost easily.
  const bool lost = i > 0 && longer.size() == word.size() && (longer[i] == 'I' || longer[i] == 'L' || longer[i] == 'J');
  return lost && word.size() > 4 ? 1 : 2;
}

/// The only word of the list that a reading in capitals can be.
std::optional<std::string_view> wordFor(std::string_view read) {
  if (read.size() < 3 || isPlaceWord(read)) return std::nullopt;
  std::optional<std::string_view> best;
  int nearest = 3;
  bool several = false;
  for (const std::string_view word : placeWords()) {
    const int allowed = word.size() < 6 ? 1 : 2;
    const int d = distance(read, word);
    if (d > allowed) continue;
    if (d == nearest) several = true;
    if (d >= nearest) continue;
    nearest = d;
    several = false;
    best = word;
  }
  if (several) return std::nullopt;
  return best;
}

std::string inCaseOf(std::string_view word, const std::string& read) {
  const bool small = std::any_of(read.begin(), read.end(), isSmall);
  std::string out(word);
  for (size_t i = 1; small && i < out.size(); ++i) out[i] = smaller(out[i]);
  if (small && isSmall(read[0]) && std::none_of(read.begin(), read.end(), isCapital)) out[0] = smaller(out[0]);
  return out;
}

/// The reading as the digits of a number: letters that look like digits where most are digits.
std::string asDigits(const std::string& read) {
  const auto digits = std::count_if(read.begin(), read.end(), isDigit);
  const auto one = [](char c) { return c == 'I' || c == 'l' || c == '|'; };
  std::string out = read;
  // "I8" and "l8" are numbers; letters at an end are the suffix of a house number.
  if (read.size() > 1 && one(read[0]) && digits + 1 == static_cast<long>(read.size())) out[0] = '1';
  if (read.size() != 5 || digits < 4) return out;
  for (char& c : out) {
    if (c == 'O' || c == 'o' || c == 'Q' || c == 'D') c = '0';
    if (one(c)) c = '1';
    if (c == 'S') c = '5';
    if (c == 'B') c = '8';
  }
  return out;
}

std::string repairedToken(const std::string& read) {
  const auto digits = static_cast<size_t>(std::count_if(read.begin(), read.end(), isDigit));
  const auto letters = static_cast<size_t>(std::count_if(read.begin(), read.end(), isLetter));
  if (letters == 0) return read;
  if (digits > 0 && letters < 2) {
    // "10T" is a lot.
    static const RE2 lot("[1Il][0O]T");
    return RE2::FullMatch(read, lot) ? "LOT" : asDigits(read);
  }
  std::string capitals = read;
  for (char& c : capitals) c = upper(c);
  if (digits > 1) return read;
  const auto word = wordFor(capitals);
  return word ? inCaseOf(*word, read) : read;
}

}  // namespace

std::string repairedLetters(const std::string& text) {
  std::string out = text;
  for (size_t i = 0; i < out.size(); ++i) {
    const char before = i > 0 ? out[i - 1] : ' ';
    const char after = i + 1 < out.size() ? out[i + 1] : ' ';
    const bool letters = isLetter(before) && isLetter(after);
    const bool likely = out[i] == '1' || isSmall(before) || (out[i] == 'I' && isCapital(before));
    if ((out[i] == '1' || out[i] == 'I' || out[i] == '!') && letters && isSmall(after) && likely) out[i] = 'l';
    if (out[i] == '0' && letters) out[i] = isSmall(before) && isSmall(after) ? 'o' : 'O';
  }
  static const RE2 initial("\\b([A-Z]\\.)1(\\.[A-Z])");
  RE2::GlobalReplace(&out, initial, "\\1I\\2");
  return out;
}

std::string repairedName(const std::string& text) {
  std::string out = repairedLetters(text);
  static const RE2 partners("\\b[S5]/[B8DE3]$");
  RE2::Replace(&out, partners, "S/B");
  // An ampersand between two words.
  static const RE2 ampersand("([A-Za-z]{3,}) [8S] ([A-Z][A-Za-z]{2,})");
  RE2::Replace(&out, ampersand, "\\1 & \\2");
  static const RE2 tail("(?i)(\\bBHD\\.?)[^\\s(),.][^\\s(),]{0,2}$");
  RE2::Replace(&out, tail, "\\1");
  // One of the two halves is read without fault, the other is off by one letter.
  static const RE2 first("(?i)\\b(?:S[A-Z0-9]N|[A-Z0-9]DN|SD[A-Z0-9])(\\.? ?,? ?BHD\\.?)(\\W|$)");
  static const RE2 second("(?i)\\b(SDN\\.? ?,? ?)(?:[A-Z0-9]HD|B[A-Z0-9]D|BH[A-Z0-9])\\b");
  const bool small = std::any_of(out.begin(), out.end(), isSmall);
  RE2::Replace(&out, first, small ? "Sdn\\1\\2" : "SDN\\1\\2");
  RE2::Replace(&out, second, small ? "\\1Bhd" : "\\1BHD");
  return out;
}

std::string repairedAddress(const std::string& text) {
  const std::string letters = repairedLetters(text);
  std::string out;
  for (size_t i = 0; i < letters.size();) {
    size_t end = i;
    while (end < letters.size() && (isLetter(letters[end]) || isDigit(letters[end]))) ++end;
    if (end == i) {
      out += letters[i++];
      continue;
    }
    out += repairedToken(letters.substr(i, end - i));
    i = end;
  }
  // Numbered streets of a section: "Jalan S515/4" has more digits than a section has.
  static const RE2 section("(?i)(\\b(?:JALAN|JLN) )(?:S5|5S|88|8S|S8|\\$5|\\$S)(\\d{1,2}[A-Z]?/)");
  RE2::GlobalReplace(&out, section, "\\1SS\\2");
  // "31G833G" are two houses.
  static const RE2 houses("\\b(\\d+)([A-Z])[8S](\\d+)([A-Z])\\b");
  std::string one, letter, two, same;
  if (RE2::PartialMatch(out, houses, &one, &letter, &two, &same) && letter == same)
    RE2::Replace(&out, houses, "\\1\\2&\\3\\4");
  // The abbreviation of a town behind its postcode.
  static const RE2 town("(\\b\\d{5} )[XRH]L\\b");
  RE2::GlobalReplace(&out, town, "\\1KL");
  // "No1" with a letter for its digit.
  static const RE2 number("\\b(No|NO)[lI]\\b");
  RE2::GlobalReplace(&out, number, "\\11");
  return out;
}

}  // namespace lectern::reader
