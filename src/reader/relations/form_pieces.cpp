#include "reader/relations/form_pieces.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>

#include "reader/page/rows.h"
#include "reader/relations/labels.h"
#include "reader/relations/scene.h"

namespace lectern::reader {

namespace {

constexpr double kCutGap = 1.25;   // white space inside a detected line that parts pieces, in text heights
constexpr double kWordGap = 0.75;  // between words of one text that is longer than its line to fill in
constexpr double kJoinGap = 0.95;  // white space over which pieces of different lines are joined
constexpr size_t kMaxPieces = 4000;
constexpr size_t kMaxRules = 1500;

const Box& boxAt(const Page& page, int word) { return page.words[static_cast<size_t>(word)].box; }

bool isTimeColon(const std::string& text, size_t at) {
  const auto digit = [&](size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
  return at > 0 && digit(at - 1) && digit(at + 1);
}

/// Where the colon of "Date:12/3" stands, npos when the word has none inside.
size_t innerColon(const std::string& text) {
  const size_t at = text.find(':');
  if (at == std::string::npos || at == 0 || at + 1 >= text.size() || isTimeColon(text, at)) return std::string::npos;
  if (text.compare(at, 3, "://") == 0) return std::string::npos;
  return at;
}

bool isHorizontal(const Rule& r) { return r.orientation == Orientation::kHorizontal; }

/// The drawn lines of a page, each direction apart.
struct Drawn {
  std::vector<int> horizontal, vertical;
};

Drawn drawnOf(const Page& page) {
  Drawn d;
  for (size_t i = 0; i < page.rules.size() && i < kMaxRules; ++i)
    (isHorizontal(page.rules[i]) ? d.horizontal : d.vertical).push_back(static_cast<int>(i));
  return d;
}

bool verticalBetween(const Page& page, const Drawn& drawn, const Box& left, const Box& right) {
  const double y = (left.centerY() + right.centerY()) / 2;
  return std::any_of(drawn.vertical.begin(), drawn.vertical.end(), [&](int i) {
    const Box& r = page.rules[static_cast<size_t>(i)].box;
    const double x = r.centerX();
    return r.y0 <= y && r.y1 >= y && x > left.centerX() && x < right.centerX() && x >= left.x1 - 0.3 * left.height() &&
           x <= right.x0 + 0.3 * right.height();
  });
}

/// True when a rule runs where this text would stand on it.
bool atBaseline(const Box& rule, const Box& text, double em) {
  const double y = rule.centerY();
  return y > text.y1 - 0.45 * em && y < text.y1 + 0.75 * em;
}

/// Another line to fill in follows behind a word: the word is its label.
bool fillsAfter(const Page& page, const Drawn& drawn, const Box& line, const Box& word, double em) {
  return std::any_of(drawn.horizontal.begin(), drawn.horizontal.end(), [&](int k) {
    const Box& next = page.rules[static_cast<size_t>(k)].box;
    return std::abs(next.centerY() - line.centerY()) < 0.5 * em && next.x0 > word.centerX() && next.x0 < word.x1 + 12 * em;
  });
}

/// A line to fill in begins, or ends, between two neighbours.
bool fillEdgeBetween(const Page& page, const Drawn& drawn, const Box& left, const Box& right, double em) {
  for (const int i : drawn.horizontal) {
    const Box& r = page.rules[static_cast<size_t>(i)].box;
    if (r.width() < 2.5 * em) continue;
    if (atBaseline(r, right, em) && r.x0 > left.x1 - 0.6 * em && r.x0 < right.x0 + 0.6 * em && r.x1 > right.centerX())
      return true;
    if (atBaseline(r, left, em) && r.x1 > left.centerX() && r.x1 > left.x1 - 0.6 * em && r.x1 < right.x0 + 0.3 * em &&
        r.x0 < left.x0 + 0.5 * em && r.width() > 3 * em && right.x0 - left.x1 > 0.25 * em &&
        (right.x0 - left.x1 > kWordGap * em || fillsAfter(page, drawn, r, right, em))) {
      const bool goes_on = std::any_of(drawn.horizontal.begin(), drawn.horizontal.end(), [&](int k) {
        const Box& other = page.rules[static_cast<size_t>(k)].box;
        return k != i && std::abs(other.centerY() - r.centerY()) < 0.5 * em && other.x0 < right.centerX() &&
               other.x1 > right.centerX();
      });
      if (!goes_on) return true;
    }
  }
  return false;
}

Piece pieceOf(const Page& page, std::vector<int> words) {
  Piece p;
  for (const int w : words) p.box = unite(p.box, boxAt(page, w));
  p.text = textOf(page, words);
  p.words = std::move(words);
  return p;
}

/// "Date:12/3" in one word becomes a label and a value that both stand on the word.
void splitGlued(const Page& page, int word, std::vector<int>& words, bool& starts, std::vector<Piece>& out) {
  const std::string& text = page.words[static_cast<size_t>(word)].text;
  const size_t at = innerColon(text);
  const Box& box = boxAt(page, word);
  words.push_back(word);
  Piece label = pieceOf(page, std::move(words));
  words.clear();
  label.text = label.text.substr(0, label.text.size() - (text.size() - at - 1));
  label.box.x1 = box.x0 + static_cast<int>(box.width() * (at + 1) / text.size());
  label.colon = true;
  label.starts = starts;
  Piece value;
  value.words = {word};
  value.text = text.substr(at + 1);
  value.box = {label.box.x1, box.y0, box.x1, box.y1};
  value.starts = true;
  starts = true;
  out.push_back(std::move(label));
  out.push_back(std::move(value));
}

void cutLine(const Page& page, const Line& line, const Drawn& drawn, double em, std::vector<Piece>& out) {
  std::vector<int> words;
  bool starts = false, glued = false;
  const auto close = [&] {
    if (words.empty()) return;
    Piece p = pieceOf(page, std::move(words));
    words.clear();
    p.starts = starts;
    p.colon = p.text.ends_with(':') || p.text.ends_with(" =");
    if (glued) {  // the rest of a value whose first word carries the label's colon
      Piece& value = out.back();
      value.words.insert(value.words.end(), p.words.begin(), p.words.end());
      value.text += ' ' + p.text;
      value.box = unite(value.box, p.box);
      glued = false;
    } else {
      out.push_back(std::move(p));
    }
    starts = false;
  };
  for (const int w : line.words) {
    const std::string& text = page.words[static_cast<size_t>(w)].text;
    const int before = !words.empty() ? words.back() : (glued ? out.back().words.back() : -1);
    if (before >= 0) {
      const Box& left = boxAt(page, before);
      const Box& right = boxAt(page, w);
      const bool hard =
          verticalBetween(page, drawn, left, right) || fillEdgeBetween(page, drawn, left, right, em);
      if (hard || right.x0 - left.x1 > kCutGap * em) {
        close();
        glued = false;
        starts = hard;
      }
    }
    if (innerColon(text) != std::string::npos && !glued) {
      splitGlued(page, w, words, starts, out);
      glued = true;
      continue;
    }
    if (text.ends_with(':') && (starts || glued)) {  // "Tel: 555-1234 Fax:": what follows the number is the next label
      const auto number = std::find_if(words.rbegin(), words.rend(), [&](int k) {
        const std::string& t = page.words[static_cast<size_t>(k)].text;
        return std::any_of(t.begin(), t.end(), [](char c) { return c >= '0' && c <= '9'; });
      });
      if (number != words.rend() || (glued && words.empty())) {
        std::vector<int> label(number.base(), words.end());
        words.erase(number.base(), words.end());
        close();
        words = std::move(label);
        glued = false;
        starts = true;
      }
    }
    words.push_back(w);
    if ((text.ends_with(':') && text.size() < 24) || (text == "=" && words.size() > 1)) {
      close();
      starts = true;
    }
  }
  close();
}

void findNeighbours(FormPage& form) {
  auto& pieces = form.pieces;
  form.by_y.resize(pieces.size());
  for (size_t i = 0; i < pieces.size(); ++i) form.by_y[i] = static_cast<int>(i);
  std::stable_sort(form.by_y.begin(), form.by_y.end(), [&](int a, int b) {
    return pieces[static_cast<size_t>(a)].box.centerY() < pieces[static_cast<size_t>(b)].box.centerY();
  });
  for (auto& p : pieces) p.left = p.right = -1;
  for (size_t i = 0; i < pieces.size(); ++i) {
    Piece& p = pieces[i];
    for (const int j : form.between(p.box.centerY() - 1.5 * form.em, p.box.centerY() + 1.5 * form.em)) {
      const Piece& q = pieces[static_cast<size_t>(j)];
      if (j == static_cast<int>(i) || !sameRow(p.box, q.box)) continue;
      if (q.box.centerX() > p.box.centerX() && q.box.x0 > p.box.x1 - 0.7 * form.em &&
          (p.right < 0 || q.box.x0 < pieces[static_cast<size_t>(p.right)].box.x0))
        p.right = j;
      if (q.box.centerX() < p.box.centerX() && q.box.x1 < p.box.x0 + 0.7 * form.em &&
          (p.left < 0 || q.box.x1 > pieces[static_cast<size_t>(p.left)].box.x1))
        p.left = j;
    }
  }
}

/// Pieces of different lines that are one: "14 Quay" and "Street" of a row that detection has parted.
void joinClose(FormPage& form, const Drawn& drawn) {
  findNeighbours(form);
  auto& pieces = form.pieces;
  std::vector<bool> gone(pieces.size());
  for (const int i : form.by_y) {
    if (gone[static_cast<size_t>(i)]) continue;
    Piece& p = pieces[static_cast<size_t>(i)];
    while (p.right >= 0) {
      const Piece& q = pieces[static_cast<size_t>(p.right)];
      if (q.left != i || gone[static_cast<size_t>(p.right)] || q.starts || p.colon) break;
      const double gap = q.box.x0 - p.box.x1;
      const double heights =
          static_cast<double>(std::max(p.box.height(), q.box.height())) / std::max(1, std::min(p.box.height(), q.box.height()));
      if (gap > kJoinGap * form.em || heights > 2) break;
      if (verticalBetween(form.page, drawn, p.box, q.box) || fillEdgeBetween(form.page, drawn, p.box, q.box, form.em)) break;
      const int next = q.right;
      gone[static_cast<size_t>(p.right)] = true;
      joinPieces(p, q);
      p.right = next;
      if (next >= 0) pieces[static_cast<size_t>(next)].left = i;
    }
  }
  size_t kept = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (gone[i]) continue;
    if (kept != i) pieces[kept] = std::move(pieces[i]);
    ++kept;
  }
  pieces.resize(kept);
}

/// Holds a letter or digit; a single ideograph among Latin text is a speck that was read.
bool written(const std::string& text) {
  size_t ascii = 0, wide = 0;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    ascii += (u >= '0' && u <= '9') || ((u | 32) >= 'a' && (u | 32) <= 'z') ? 1 : 0;
    wide += u >= 0xC3 ? 1 : 0;
  }
  return ascii > 0 || wide > 1;
}

/// The rule that each piece stands on, and the one to fill in that begins where it ends.
void findLines(FormPage& form, const Drawn& drawn) {
  const auto& rules = form.page.rules;
  const double em = form.em;
  for (auto& p : form.pieces) {
    double nearest = 1e9, soonest = 1e9;
    for (const int i : drawn.horizontal) {
      const Box& r = rules[static_cast<size_t>(i)].box;
      if (!atBaseline(r, p.box, em)) continue;
      const int shared = std::min(r.x1, p.box.x1) - std::max(r.x0, p.box.x0);
      const double away = std::abs(r.centerY() - p.box.y1);
      if (shared > 0.5 * p.box.width() && away < nearest) {
        nearest = away;
        p.under = i;
      }
      if (r.x0 > p.box.x1 - 0.7 * em && r.x0 < p.box.x1 + 3 * em && r.width() > 2 * em && r.x0 < soonest &&
          r.centerY() > p.box.centerY()) {
        soonest = r.x0;
        p.fill = i;
      }
    }
  }
}

/// The start of a line to fill in, read as a comma or full stop behind its label.
void dropLineStart(const FormPage& form, Piece& p) {
  const bool lined = p.fill >= 0 || (p.under < 0 && p.right >= 0 && form.pieces[static_cast<size_t>(p.right)].under >= 0);
  if (lined && p.text.size() > 3 && (p.text.ends_with(',') || p.text.ends_with(';'))) p.text.pop_back();
}

}  // namespace

bool sameRow(const Box& a, const Box& b) { return verticalOverlap(a, b) > 0.5; }

std::vector<int> FormPage::between(double y0, double y1) const {
  const auto middle = [&](int i) { return pieces[static_cast<size_t>(i)].box.centerY(); };
  const auto from = std::lower_bound(by_y.begin(), by_y.end(), y0, [&](int i, double y) { return middle(i) < y; });
  auto to = from;
  while (to != by_y.end() && middle(*to) <= y1) ++to;
  return {from, to};
}

void joinPieces(Piece& into, const Piece& next) {
  into.box = unite(into.box, next.box);
  into.words.insert(into.words.end(), next.words.begin(), next.words.end());
  into.text += (into.text.empty() || next.text.empty() ? "" : " ") + next.text;
  into.colon = next.colon;
}

void dropEnumerator(const Page& page, Piece& p) {
  static const RE2 pattern("\\(?(?:[0-9]{1,2}|[A-Za-z]|[ivxIVX]{1,4})[.)]");
  if (p.words.size() < 2) return;
  const Word& first = page.words[static_cast<size_t>(p.words[0])];
  if (!RE2::FullMatch(first.text, pattern) || !p.text.starts_with(first.text + ' ')) return;
  p.text.erase(0, first.text.size() + 1);
  p.words.erase(p.words.begin());
  p.box.x0 = page.words[static_cast<size_t>(p.words[0])].box.x0;
}

std::string withoutLeaders(const std::string& text) {
  const auto leader = [](char c) { return c == '_' || c == ' '; };
  size_t from = 0, to = text.size();
  while (from < to && leader(text[from])) ++from;
  while (to > from && leader(text[to - 1])) --to;
  while (to > from + 2 && text[to - 1] == '.' && text[to - 2] == '.') --to;
  return text.substr(from, to - from);
}

bool labelLike(const std::string& text) {
  size_t letters = 0, digits = 0, other = 0, words = 1, high = 0;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x80)
      ++high;
    else if ((u | 32) >= 'a' && (u | 32) <= 'z')
      ++letters;
    else if (c >= '0' && c <= '9')
      ++digits;
    else if (c == ' ')
      ++words;
    else
      ++other;
  }
  letters += high / 2;
  if (letters < 2 || words > 8 || digits > 2 || letters < 2 * (digits + other)) return false;
  if (text.back() == ',' || text.find('@') != std::string::npos) return false;
  const char first = text[0];
  const bool small = first >= 'a' && first <= 'z';
  return !small || words <= 2;
}

bool namesRow(const Piece& p) {
  const auto isLetter = [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; };
  const auto isDigit = [](char c) { return c >= '0' && c <= '9'; };
  const auto letters = std::count_if(p.text.begin(), p.text.end(), isLetter);
  return letters >= 2 && letters >= std::count_if(p.text.begin(), p.text.end(), isDigit) && p.words.size() <= 8;
}

bool formWord(const std::string& text) {
  static const RE2 pattern(
      "(?i)\\b(?:name|date|address|city|state|zip|country|phone|telephone|tel|fax|mobile|e-?mail|title|subject|re|to|"
      "from|cc|attn|attention|no|number|nr|code|type|kind|signature|signed|by|company|firm|department|dept|division|"
      "office|account|amount|total|cost|price|quantity|qty|size|weight|length|width|height|color|colour|brand|product|"
      "description|comments?|remarks?|reason|purpose|period|time|age|sex|birth|occupation|position|status|manager|"
      "supervisor|contact|client|customer|supplier|vendor|region|location|project|budget|page|pages|reference|ref|"
      "approved|requested|prepared|received|submitted|copies|section|item|unit|rate|year|month|day|"
      "datum|anschrift|ort|strasse|straße|telefon|betreff|betrag|menge|preis|unterschrift|nom|prénom|adresse|ville|"
      "téléphone|objet|montant|quantité|prix|signature)\\b");
  return RE2::PartialMatch(text, pattern);
}

FormPage formPage(const Page& page, double em) {
  FormPage form{page, em, {}, {}};
  const Drawn drawn = drawnOf(page);
  for (const auto& line : page.lines) cutLine(page, line, drawn, em, form.pieces);
  if (form.pieces.size() > kMaxPieces) form.pieces.clear();
  joinClose(form, drawn);
  for (auto& p : form.pieces) p.text = withoutLeaders(p.text);
  std::erase_if(form.pieces, [&](const Piece& p) {
    return !written(p.text) || (p.box.height() > 2.5 * em && p.box.width() < p.box.height());
  });
  findNeighbours(form);
  for (auto& p : form.pieces) {
    p.walled = p.left >= 0 && verticalBetween(page, drawn, form.pieces[static_cast<size_t>(p.left)].box, p.box);
  }
  findLines(form, drawn);
  for (auto& p : form.pieces) dropLineStart(form, p);
  return form;
}

}  // namespace lectern::reader
