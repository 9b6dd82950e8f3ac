#include "reader/spelling/spelling.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "reader/page/accents.h"
#include "reader/page/place_words.h"
#include "reader/spelling/english.h"

namespace lectern::reader {

namespace {

constexpr size_t kShortest = 4, kLongest = 24;
// Of the words of a page. Between names and words of another language, short words are left alone: they have many neighbours.
constexpr double kEnglish = 0.6, kAllEnglish = 0.8;
constexpr size_t kShortestAmongNames = 6;
constexpr double kLimitAmongNames = 1.2;

bool isCapital(char c) { return c >= 'A' && c <= 'Z'; }
bool isSmall(char c) { return c >= 'a' && c <= 'z'; }
bool isLetter(char c) { return isCapital(c) || isSmall(c); }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return isCapital(c) ? static_cast<char>(c + 32) : c; }
char upper(char c) { return isSmall(c) ? static_cast<char>(c - 32) : c; }

// Signs that look alike in print, in lower case as read: small and capital forms together.
constexpr std::array<std::string_view, 18> kLookAlike = {"il1jtf", "o0dqcu", "ceoa", "s58g3", "ae",  "hnmkb",
                                                         "kx",     "z27s",   "uvyn", "gqy9",  "yvj", "rpfb",
                                                         "efr",    "mwn",    "vw",   "tr",    "nri", "hbl"};

bool lookAlike(char a, char b) {
  return std::any_of(kLookAlike.begin(), kLookAlike.end(), [&](std::string_view group) {
    return group.find(a) != group.npos && group.find(b) != group.npos;
  });
}

bool thin(char c) { return c == 'i' || c == 'l' || c == 't' || c == 'f' || c == 'r' || c == 'j' || c == '1'; }

// One letter read as two and the reverse.
struct Merge {
  std::string_view read, printed;
};
constexpr std::array<Merge, 18> kMerges = {{{"rn", "m"}, {"m", "rn"}, {"cl", "d"}, {"d", "cl"}, {"li", "h"},
                                            {"h", "li"}, {"u", "li"}, {"ii", "n"}, {"ii", "u"}, {"vv", "w"},
                                            {"w", "vi"}, {"w", "iv"}, {"m", "in"}, {"m", "ni"},
                                            {"m", "it"}, {"fl", "ffi"}, {"fl", "ffil"}, {"ml", "ffil"}}};

/// Collects words near a reading; the nearest one is the answer when no other is about as near.
class Search {
 public:
  explicit Search(double limit) : limit_(limit) {}

  void look(const std::string& word, double cost) {
    if (cost > limit_) return;
    const int rank = englishRank(word);
    if (rank < 1 || rank > 3) return;
    const double total = cost + 0.35 * (rank - 1);
    if (word == best_) {
      best_cost_ = std::min(best_cost_, total);
    } else if (total < best_cost_) {
      second_cost_ = best_cost_;
      best_cost_ = total;
      best_ = word;
    } else {
      second_cost_ = std::min(second_cost_, total);
    }
  }

  std::string answer() const { return second_cost_ - best_cost_ < 0.3 ? "" : best_; }

 private:
  double limit_;
  std::string best_;
  double best_cost_ = 100, second_cost_ = 200;
};

void lookForOne(const std::string& read, Search& search) {
  for (size_t i = 0; i < read.size(); ++i) {
    std::string word = read;
    for (char c = 'a'; c <= 'z'; ++c) {
      word[i] = c;
      if (c != read[i]) search.look(word, lookAlike(c, read[i]) ? 1 : 2.2);
    }
    if (i == 0) continue;
    // A letter lost between two others: thin ones and the second of two are lost more easily.
    for (char c = 'a'; c <= 'z'; ++c) {
      const bool easy = thin(c) || c == read[i] || c == read[i - 1];
      search.look(read.substr(0, i) + c + read.substr(i), easy ? 1 : 1.8);
    }
    if (i + 1 < read.size()) search.look(read.substr(0, i) + read.substr(i + 1), 2.1);
  }
  for (const auto& merge : kMerges) {
    for (size_t at = read.find(merge.read); at != read.npos; at = read.find(merge.read, at + 1)) {
      std::string word = read;
      search.look(word.replace(at, merge.read.size(), merge.printed), 1);
    }
  }
}

/// Two look-alike letters in a long word.
void lookForTwo(const std::string& read, Search& search) {
  std::string word = read;
  for (size_t i = 0; i + 1 < read.size(); ++i) {
    for (char a = 'a'; a <= 'z'; ++a) {
      if (a == read[i] || !lookAlike(a, read[i])) continue;
      word[i] = a;
      for (size_t k = i + 1; k < read.size(); ++k) {
        for (char b = 'a'; b <= 'z'; ++b) {
          if (b == read[k] || !lookAlike(b, read[k])) continue;
          word[k] = b;
          search.look(word, 2.1);
        }
        word[k] = read[k];
      }
      word[i] = read[i];
    }
  }
}

/// An English word, one more of its forms, an abbreviation of trade, or a word of addresses.
bool known(const std::string& read) {
  if (englishRank(read) > 0 || read == "incl" || read == "excl") return true;
  if (read.ends_with('s') && englishRank(std::string_view(read).substr(0, read.size() - 1)) > 0) return true;
  std::string capitals = read;
  for (char& c : capitals) c = upper(c);
  return isPlaceWord(capitals);
}

/// How unlikely a confusion may be that is mended in a word of this length; 0: none.
double limitOf(size_t length, float confidence) {
  if (length <= 5) return confidence < (length == 4 ? 0.93f : 0.97f) ? 1 : 0;
  if (length <= 7) return confidence < 0.95f ? 2.2 : confidence < 0.995f ? 1.2 : 0;
  return confidence < 0.98f ? 2.2 : 1.2;
}

/// The letters in the shape of the reading: capitals, a capital first, or small.
std::string shaped(std::string word, std::string_view reading) {
  const auto capitals = std::count_if(reading.begin(), reading.end(), isCapital);
  const auto small = std::count_if(reading.begin(), reading.end(), isSmall);
  if (capitals > small) {
    for (char& c : word) c = upper(c);
  } else if (isCapital(reading[0])) {
    word[0] = upper(word[0]);
  }
  return word;
}

/// The word that a run of letters can only be; empty: none, or it is one.
std::string mendedRun(std::string_view run, float confidence, size_t shortest) {
  if (run.size() < shortest || run.size() > kLongest) return "";
  const auto letters = static_cast<size_t>(std::count_if(run.begin(), run.end(), isLetter));
  const auto small = static_cast<size_t>(std::count_if(run.begin(), run.end(), isSmall));
  if (letters + 1 < run.size() || (letters < run.size() && run.size() < 6)) return "";
  if (!isLetter(run.front()) || !isLetter(run.back())) return "";
  // A capital among small letters is a name in two parts, or a code.
  const auto capitals = letters - small;
  if (small > 0 && capitals > 1 && small > 1) return "";
  std::string read(run);
  for (char& c : read) c = lower(c);
  if (known(read)) return "";
  double limit = limitOf(run.size(), confidence);
  if (shortest > kShortest) limit = std::min(limit, kLimitAmongNames);
  if (limit <= 0) return "";
  Search search(limit);
  lookForOne(read, search);
  if (limit > 2 && run.size() >= 7) lookForTwo(read, search);
  const std::string found = search.answer();
  return found.empty() ? "" : shaped(found, run);
}

/// Without its accents when an English word is left; names of other languages keep theirs.
std::string withoutStrayAccents(const Word& word) {
  constexpr float kSure = 0.99f;
  std::string bare = withoutAccents(word.text);
  if (bare == word.text || word.confidence >= kSure) return word.text;
  std::string letters;
  for (const char c : bare) {
    if (isLetter(c)) letters += lower(c);
  }
  return letters.size() >= kShortest && englishRank(letters) > 0 ? bare : word.text;
}

// Words that name what stands behind them when a colon follows.
constexpr std::array<std::string_view, 40> kLabelWords = {
    "to",      "from",    "date",     "time",    "name",   "title",     "subject",  "address",  "phone",   "telephone",
    "fax",     "number",  "company",  "code",    "state",  "city",      "country",  "court",    "product", "brand",
    "project", "comment", "comments", "remarks", "notes",  "signature", "approved", "prepared", "quantity", "amount",
    "total",   "type",    "size",     "color",   "status", "region",    "division", "manager",  "attention", "purpose"};

/// One sign apart, and that one looks alike, or a thin letter was lost.
bool nearLabel(std::string_view read, std::string_view label) {
  if (read.size() == label.size()) {
    size_t wrong = 0, alike = 0;
    for (size_t i = 0; i < read.size(); ++i) {
      if (read[i] == label[i]) continue;
      ++wrong;  // two letters have too many neighbours: only a figure may be wrong there
      const bool similar = lookAlike(read[i], label[i]) || (read[i] == 'p' && label[i] == 'f');
      alike += similar && (read.size() > 2 || isDigit(read[i])) ? 1 : 0;
    }
    return wrong == 1 && alike == 1;
  }
  if (read.size() + 1 != label.size() || read.size() < 4) return false;
  size_t i = 0;
  while (i < read.size() && read[i] == label[i]) ++i;
  return thin(label[i]) && read.substr(i) == label.substr(i + 1);
}

/// "PROM:" and "Tite:" are "FROM:" and "Title:"; empty when the word is no misread label, or could be two.
std::string mendedLabel(const std::string& text, float confidence) {
  constexpr float kSure = 0.99f;
  if (confidence >= kSure || text.size() < 3 || text.back() != ':') return "";
  const std::string_view run = std::string_view(text).substr(0, text.size() - 1);
  std::string read(run), found;
  for (char& c : read) c = lower(c);
  if (!std::all_of(read.begin(), read.end(), [](char c) { return isLetter(c) || isDigit(c); })) return "";
  for (const auto label : kLabelWords) {
    if (read == label) return "";
    if (!nearLabel(read, label)) continue;
    if (!found.empty()) return "";
    found = label;
  }
  if (found.empty()) return "";
  return shaped(found, run) + ':';
}

}  // namespace

std::string mendedWord(const std::string& reading, float confidence, size_t shortest) {
  std::string out;
  for (size_t i = 0; i < reading.size();) {
    size_t end = i;
    while (end < reading.size() && (isLetter(reading[end]) || isDigit(reading[end]))) ++end;
    if (end == i) {
      out += reading[i++];
      continue;
    }
    const std::string_view run = std::string_view(reading).substr(i, end - i);
    // What touches a letter with an accent is part of a word of another language.
    const bool foreign = (i > 0 && static_cast<unsigned char>(reading[i - 1]) >= 0x80) ||
                         (end < reading.size() && static_cast<unsigned char>(reading[end]) >= 0x80);
    const std::string mended = foreign ? "" : mendedRun(run, confidence, shortest);
    out += mended.empty() ? std::string(run) : mended;
    i = end;
  }
  return out;
}

double englishShare(const Page& page) {
  size_t words = 0, known_words = 0;
  for (const auto& w : page.words) {
    std::string letters;
    for (const char c : w.text) {
      if (isLetter(c)) letters += lower(c);
    }
    if (letters.size() < kShortest || letters.size() + 2 < w.text.size()) continue;
    ++words;
    known_words += englishRank(letters) > 0 ? 1 : 0;
  }
  return words < 10 ? 0 : static_cast<double>(known_words) / static_cast<double>(words);
}

void mendWords(Page& page) {
  const double share = englishShare(page);
  if (page.has_text_layer || share < kEnglish) return;
  const size_t shortest = share < kAllEnglish ? kShortestAmongNames : kShortest;
  std::vector<bool> changed(page.lines.size());
  const bool plain = writtenWithoutAccents(page);
  for (auto& word : page.words) {
    std::string mended = mendedLabel(word.text, word.confidence);
    if (mended.empty()) mended = mendedWord(plain ? withoutStrayAccents(word) : word.text, word.confidence, shortest);
    if (mended == word.text) continue;
    word.text = std::move(mended);
    if (word.line >= 0) changed[static_cast<size_t>(word.line)] = true;
  }
  for (size_t l = 0; l < page.lines.size(); ++l) {
    if (!changed[l]) continue;
    Line& line = page.lines[l];
    line.text.clear();
    for (const int w : line.words) line.text += (line.text.empty() ? "" : " ") + page.words[static_cast<size_t>(w)].text;
    if (line.block < 0) continue;
    Block& block = page.blocks[static_cast<size_t>(line.block)];
    block.text.clear();
    for (const int b : block.lines) block.text += (block.text.empty() ? "" : "\n") + page.lines[static_cast<size_t>(b)].text;
  }
}

}  // namespace lectern::reader
