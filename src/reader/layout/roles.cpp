#include "reader/layout/roles.h"

#include <algorithm>
#include <map>

namespace lectern::reader {

namespace {

constexpr double kEdge = 0.09;          // of the page's height, where headers and footers stand
constexpr double kHeadingHeight = 1.2;  // of the usual line height
constexpr size_t kHeadingWords = 14;

/// Letters in lower case, digits as one sign: what repeats from page to page.
std::string masked(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      if (out.empty() || out.back() != '#') out += '#';
    } else if (c != ' ' && c != '\n') {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
  }
  return out;
}

bool atTop(const Page& page, const Block& b) { return b.box.y1 < kEdge * page.height; }
bool atBottom(const Page& page, const Block& b) { return b.box.y0 > (1 - kEdge) * page.height; }

size_t wordsOf(const Page& page, const Block& b) {
  size_t n = 0;
  for (const int l : b.lines) n += page.lines[static_cast<size_t>(l)].words.size();
  return n;
}

double usualHeight(const Page& page) {
  std::vector<int> heights;
  for (const auto& l : page.lines) heights.push_back(l.box.height());
  if (heights.empty()) return 1;
  std::nth_element(heights.begin(), heights.begin() + static_cast<long>(heights.size() / 2), heights.end());
  return std::max(1, heights[heights.size() / 2]);
}

bool startsWithAny(const std::string& small, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* w) { return small.starts_with(w); });
}

/// "12", "- 3 -", "Page 4 of 7".
bool pageNumber(const std::string& mask) {
  return mask == "#" || mask == "-#-" || mask == "page#" || mask == "page#of#" || mask == "#/#" || mask == "seite#" ||
         mask == "seite#von#" || mask == "page#/#";
}

std::string roleOf(const Page& page, const Block& b, double usual) {
  for (const auto& t : page.tables) {
    const Box both = intersect(t.box, b.box);
    if (!both.empty() && both.area() >= 0.8 * static_cast<double>(b.box.area())) return "table";
  }
  const std::string mask = masked(b.text);
  if (pageNumber(mask)) {
    if (atTop(page, b)) return "header";
    if (atBottom(page, b)) return "footer";
  }
  const bool captioned =
      startsWithAny(mask, {"table#", "figure#", "fig.#", "exhibit#", "tabelle#", "abbildung#", "tableau#"});
  if (captioned && wordsOf(page, b) < 40) return "caption";
  if (startsWithAny(b.text, {"•", "- ", "– ", "* "}) || mask.starts_with("#.") || mask.starts_with("(#)"))
    return "list";
  double height = 0;
  for (const int l : b.lines) height += page.lines[static_cast<size_t>(l)].box.height();
  height /= static_cast<double>(std::max<size_t>(1, b.lines.size()));
  const bool letters =
      std::any_of(b.text.begin(), b.text.end(), [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; });
  if (letters && b.lines.size() <= 3 && wordsOf(page, b) <= kHeadingWords && height >= kHeadingHeight * usual)
    return "heading";
  if (height < 0.85 * usual && b.box.y0 > 0.75 * page.height && mask.starts_with("#")) return "footnote";
  return "paragraph";
}

bool endsSentence(const std::string& word) {
  size_t i = word.size();
  while (i > 0 && (word[i - 1] == '"' || word[i - 1] == '\'' || word[i - 1] == ')')) --i;
  if (i < 2) return false;
  const char c = word[i - 1];
  if (c == '!' || c == '?') return true;
  if (c != '.') return false;
  // Initials and most abbreviations are short and have a capital or another point.
  return i > 3 && word.find('.') == i - 1;
}

bool startsSmall(const std::string& word) { return !word.empty() && word[0] >= 'a' && word[0] <= 'z'; }

}  // namespace

void findRoles(Document& document) {
  std::map<std::string, int> seen;  // on how many pages a text stands at the edge
  for (const auto& page : document.pages) {
    for (const auto& b : page.blocks) {
      if (atTop(page, b)) ++seen["t" + masked(b.text)];
      if (atBottom(page, b)) ++seen["b" + masked(b.text)];
    }
  }
  const size_t pages = document.pages.size();
  for (auto& page : document.pages) {
    const double usual = usualHeight(page);
    for (auto& b : page.blocks) {
      b.role = roleOf(page, b, usual);
      if (pages < 2) continue;
      const auto repeats = [&](const char* edge) {
        return static_cast<size_t>(seen[edge + masked(b.text)]) * 2 >= pages && seen[edge + masked(b.text)] > 1;
      };
      if (atTop(page, b) && repeats("t")) b.role = "header";
      if (atBottom(page, b) && repeats("b")) b.role = "footer";
    }
  }
}

void findSentences(Page& page) {
  page.sentences.clear();
  for (const auto& block : page.blocks) {
    if (block.role == "table" || block.role == "header" || block.role == "footer") continue;
    Sentence current;
    bool joined = false;  // the last word goes on in the next line
    const auto close = [&] {
      if (!current.words.empty()) page.sentences.push_back(std::move(current));
      current = {};
      joined = false;
    };
    for (const int l : block.lines) {
      const Line& line = page.lines[static_cast<size_t>(l)];
      for (size_t i = 0; i < line.words.size(); ++i) {
        const std::string& word = page.words[static_cast<size_t>(line.words[i])].text;
        if (joined && startsSmall(word))
          current.text.pop_back();
        else if (!current.text.empty())
          current.text += ' ';
        joined = i + 1 == line.words.size() && word.size() > 2 && word.back() == '-';
        current.text += word;
        current.words.push_back(line.words[i]);
        if (endsSentence(word)) close();
      }
    }
    close();
  }
}

}  // namespace lectern::reader
