#include "reader/values/dates.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "reader/values/line_text.h"

namespace lectern::reader {

namespace {

constexpr std::array<std::string_view, 12> kMonths[] = {
    {"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
     "december"},
    {"januar", "februar", "märz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november",
     "dezember"},
    {"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
     "décembre"},
    {"januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november",
     "december"},
    {"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
     "diciembre"},
    {"gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre",
     "novembre", "dicembre"},
    {"januari", "februari", "mac", "april", "mei", "jun", "julai", "ogos", "september", "oktober", "november",
     "disember"},
};
constexpr std::array<std::string_view, 12> kShort = {"jan", "feb", "mar", "apr", "may", "jun",
                                                     "jul", "aug", "sep", "oct", "nov", "dec"};

bool digitAt(const std::string& s, size_t i) { return i < s.size() && s[i] >= '0' && s[i] <= '9'; }

/// "13:30" right behind a date, as receipt printers and recognition run the two together.
bool timeGlued(const std::string& s, size_t at, size_t year_digits) {
  const auto minute = [&](size_t i) { return digitAt(s, i) && s[i] < '6' && digitAt(s, i + 1); };
  if (year_digits == 4 && digitAt(s, at) && at + 1 < s.size() && s[at + 1] == ':') return minute(at + 2);
  if (at + 4 >= s.size() || !digitAt(s, at) || !digitAt(s, at + 1) || s[at + 2] != ':') return false;
  return (s[at] - '0') * 10 + (s[at + 1] - '0') < 24 && minute(at + 3);
}

/// A date that stands alone: no further digits join it, but a time may be glued to its year.
bool standsAlone(const std::string& s, size_t begin, size_t end, size_t year_digits) {
  if (begin > 0 && (digitAt(s, begin - 1) ||
                    ((s[begin - 1] == '/' || s[begin - 1] == '.') && begin > 1 && digitAt(s, begin - 2)))) {
    return false;
  }
  if (!digitAt(s, end)) return !(end < s.size() && (s[end] == '/' || s[end] == '-') && digitAt(s, end + 1));
  return timeGlued(s, end, year_digits);
}

int fullYear(int year, size_t digits) {
  if (digits == 4) return year;
  return year <= 50 ? 2000 + year : 1900 + year;
}

struct Parts {
  int a = 0, b = 0, year = 0;
  size_t year_digits = 0;
};

void addNumeric(const std::string& s, size_t begin, size_t end, const Parts& p, bool day_first, float confidence,
                std::vector<DateFound>& out) {
  const int year = fullYear(p.year, p.year_digits);
  const bool dmy = validDate(year, p.b, p.a), mdy = validDate(year, p.a, p.b);
  if ((!dmy && !mdy) || !standsAlone(s, begin, end, p.year_digits)) return;
  DateFound d;
  d.begin = begin;
  d.end = end;
  d.ambiguous = dmy && mdy && p.a != p.b;
  d.swapped = mdy && !dmy;
  d.numeric = true;
  const bool first_is_day = dmy && (day_first || !mdy);
  d.iso = fmt::format("{:04}-{:02}-{:02}", year, first_is_day ? p.b : p.a, first_is_day ? p.a : p.b);
  d.confidence = confidence;
  out.push_back(d);
}

/// Calls found(begin, end, groups...) for every match of the pattern.
template <typename F>
void eachMatch(const std::string& s, const RE2& re, F found) {
  re2::StringPiece groups[4];
  size_t from = 0;
  while (from < s.size() &&
         re.Match(s, from, s.size(), RE2::UNANCHORED, groups, 1 + std::min(3, re.NumberOfCapturingGroups()))) {
    const auto begin = static_cast<size_t>(groups[0].data() - s.data());
    const size_t end = begin + groups[0].size();
    found(begin, end, groups);
    from = std::max(end, begin + 1);
  }
}

int toInt(const re2::StringPiece& s) {
  int v = 0;
  for (const char c : s) v = v * 10 + (c - '0');
  return v;
}

void numericDates(const std::string& s, bool day_first, std::vector<DateFound>& out) {
  static const RE2 iso("(\\d{4})\\s?[-/.]\\s?(\\d{1,2})\\s?[-/.]\\s?(\\d{1,2})");
  static const RE2 common("(\\d{1,2})\\s?[-/.~]\\s?(\\d{1,2})\\s?[-/.~]\\s?((?:19|20)\\d{2}|\\d{2})");
  static const RE2 tight("(\\d{2})[-/. ]?(\\d{2})[-/. ]?(20\\d{2})");
  eachMatch(s, iso, [&](size_t begin, size_t end, const re2::StringPiece* g) {
    const int y = toInt(g[1]), m = toInt(g[2]), d = toInt(g[3]);
    if (y < 1900 || y > 2100 || !validDate(y, m, d) || (begin > 0 && digitAt(s, begin - 1))) return;
    if (digitAt(s, end) && !(end + 2 < s.size() && s[end + 2] == ':')) return;
    out.push_back({begin, end, fmt::format("{:04}-{:02}-{:02}", y, m, d), false, false, false, 0.95f});
  });
  eachMatch(s, common, [&](size_t begin, size_t end, const re2::StringPiece* g) {
    const Parts p{toInt(g[1]), toInt(g[2]), toInt(g[3]), g[3].size()};
    // Two points and two digits each are as well a version or a part number.
    const bool dotted = s.find('.', begin) < end;
    addNumeric(s, begin, end, p, day_first, g[3].size() == 4 ? 0.95f : dotted ? 0.7f : 0.85f, out);
  });
  eachMatch(s, tight, [&](size_t begin, size_t end, const re2::StringPiece* g) {
    const Parts p{toInt(g[1]), toInt(g[2]), toInt(g[3]), 4};
    addNumeric(s, begin, end, p, day_first, 0.4f, out);
  });
}

void namedDates(const std::string& s, std::vector<DateFound>& out) {
  static const RE2 day_month(
      "(\\d{1,2})(?:st|nd|rd|th|ST|ND|RD|TH)?[\\s./,-]*(\\pL{3,10})[\\s./,'-]*((?:19|20)\\d{2}|\\d{2})");
  static const RE2 month_day("(\\pL{3,10})[\\s.]*(\\d{1,2})(?:st|nd|rd|th)?\\s?[,.]?\\s?((?:19|20)\\d{2})");
  static const RE2 month_year("(\\pL{3,10})[\\s./-]+((?:19|20)\\d{2})");
  const auto add = [&](size_t begin, size_t end, int y, size_t digits, int m, int d, float confidence) {
    if (m == 0 || !validDate(fullYear(y, digits), m, std::max(d, 1)) || (begin > 0 && digitAt(s, begin - 1))) return;
    if (digitAt(s, end) && !(end + 2 < s.size() && s[end + 2] == ':')) return;
    const std::string iso = d > 0 ? fmt::format("{:04}-{:02}-{:02}", fullYear(y, digits), m, d)
                                  : fmt::format("{:04}-{:02}", fullYear(y, digits), m);
    out.push_back({begin, end, iso, false, false, false, confidence});
  };
  eachMatch(s, day_month, [&](size_t b, size_t e, const re2::StringPiece* g) {
    // "July 1 - July 31, 2014": a two-digit year yields to a full date that shares its words.
    add(b, e, toInt(g[3]), g[3].size(), monthOf(std::string(g[2])), toInt(g[1]), g[3].size() == 4 ? 0.95f : 0.9f);
  });
  eachMatch(s, month_day, [&](size_t b, size_t e, const re2::StringPiece* g) {
    add(b, e, toInt(g[3]), 4, monthOf(std::string(g[1])), toInt(g[2]), 0.95f);
  });
  eachMatch(s, month_year, [&](size_t b, size_t e, const re2::StringPiece* g) {
    add(b, e, toInt(g[2]), 4, monthOf(std::string(g[1])), 0, 0.6f);
  });
}

}  // namespace

bool validDate(int year, int month, int day) {
  if (year < 1900 || year > 2100 || month < 1 || month > 12 || day < 1) return false;
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

int monthOf(std::string name) {
  name = lower(std::move(name));
  for (const auto& language : kMonths) {
    for (size_t m = 0; m < 12; ++m) {
      if (language[m] == name) return static_cast<int>(m) + 1;
    }
  }
  if (name == "sept") return 9;
  if (name == "mrz" || name == "mär") return 3;
  if (name == "okt") return 10;
  if (name == "dez" || name == "dis" || name == "déc") return 12;
  for (size_t m = 0; m < 12; ++m) {
    if (name == kShort[m]) return static_cast<int>(m) + 1;
  }
  return 0;
}

std::vector<DateFound> findDates(const std::string& text, bool day_first) {
  std::vector<DateFound> all, out;
  numericDates(text, day_first, all);
  namedDates(text, all);
  std::stable_sort(all.begin(), all.end(), [](const DateFound& a, const DateFound& b) {
    return std::pair(-a.confidence, a.begin) < std::pair(-b.confidence, b.begin);
  });
  for (const auto& d : all) {
    const bool free =
        std::none_of(out.begin(), out.end(), [&](const DateFound& o) { return d.begin < o.end && o.begin < d.end; });
    if (free) out.push_back(d);
  }
  std::sort(out.begin(), out.end(), [](const DateFound& a, const DateFound& b) { return a.begin < b.begin; });
  return out;
}

namespace {

/// "08.30 - 12.30 Uhr": with a point, only where the word says that it is a time.
void namedTimes(const std::string& text, std::vector<TimeFound>& out) {
  static const RE2 re("\\b(\\d{1,2})\\.(\\d{2})(?:\\s?(?:-|–|bis)\\s?(\\d{1,2})\\.(\\d{2}))?\\s?Uhr\\b");
  re2::StringPiece g[5];
  size_t from = 0;
  while (from < text.size() && re.Match(text, from, text.size(), RE2::UNANCHORED, g, 5)) {
    from = static_cast<size_t>(g[0].data() - text.data()) + g[0].size();
    for (int i = 1; i < 5; i += 2) {
      if (g[i].empty() || toInt(g[i]) > 24 || toInt(g[i + 1]) > 59) continue;
      const auto begin = static_cast<size_t>(g[i].data() - text.data());
      const auto end = static_cast<size_t>(g[i + 1].data() - text.data()) + g[i + 1].size();
      out.push_back({begin, end, fmt::format("{:02}:{:02}", toInt(g[i]), toInt(g[i + 1])), true});
    }
  }
}

}  // namespace

std::vector<TimeFound> findTimes(const std::string& text) {
  static const RE2 re("(\\d{1,2})\\s?:\\s?(\\d{2})(?:\\s?:\\s?(\\d{2}))?(?:\\s?([AaPp])\\.?[MmHh]\\.?)?");
  std::vector<TimeFound> out;
  re2::StringPiece g[5];
  size_t from = 0;
  while (from < text.size() && re.Match(text, from, text.size(), RE2::UNANCHORED, g, 5)) {
    const auto begin = static_cast<size_t>(g[0].data() - text.data());
    const size_t end = begin + g[0].size();
    from = std::max(end, begin + 1);
    int hour = toInt(g[1]);
    const int minute = toInt(g[2]);
    const int second = g[3].empty() ? 0 : toInt(g[3]);
    if (hour > 24 || minute > 59 || second > 59 || digitAt(text, end)) continue;
    if (!g[4].empty() && hour <= 12) hour = hour % 12 + (g[4][0] == 'P' || g[4][0] == 'p' ? 12 : 0);
    out.push_back({begin, end,
                   g[3].empty() ? fmt::format("{:02}:{:02}", hour, minute)
                                : fmt::format("{:02}:{:02}:{:02}", hour, minute, second),
                   false});
  }
  namedTimes(text, out);
  return out;
}

}  // namespace lectern::reader
