#include <re2/re2.h>

#include <algorithm>
#include <cmath>

#include "reader/page/rows.h"
#include "reader/relations/form_pairs.h"
#include "reader/relations/form_pieces.h"
#include "reader/relations/relations.h"
#include "reader/relations/scene.h"

namespace lectern::reader {

namespace {

constexpr double kReachRight = 22;  // from a label to its value, in text heights
constexpr double kReachBelow = 1.6;

bool lettered(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) >= 0x80 || ((c | 32) >= 'a' && (c | 32) <= 'z');
         }) >= 1;
}

/// One of several lines of text: long, with another long one straight above or below it.
bool inProse(const FormPage& form, const Piece& p) {
  if (p.words.size() < 4) return false;
  for (const int j : form.between(p.box.centerY() - 2 * form.em, p.box.centerY() + 2 * form.em)) {
    const Piece& q = form.pieces[static_cast<size_t>(j)];
    if (&q != &p && q.words.size() >= 4 && std::abs(q.box.x0 - p.box.x0) < form.em && !sameRow(p.box, q.box)) return true;
  }
  return false;
}

/// A line to fill in may follow: short, and no part of a sentence in which words are underlined.
bool mayAsk(const FormPage& form, const Piece& p) {
  if (!labelLike(p.text)) return false;
  const bool clause = p.words.size() > 5 && (p.text.find(", ") != std::string::npos || inProse(form, p));
  const bool particle = p.text.size() < 4 && p.text.front() >= 'a' && p.text.front() <= 'z' && !formWord(p.text);
  return !clause && !particle;
}

/// What a colon or a line to fill in makes a label.
void markLabels(FormPage& form) {
  for (auto& p : form.pieces) {
    if (p.colon && lettered(p.text)) p.label = true;
    if (p.fill >= 0 && p.under < 0 && mayAsk(form, p)) p.label = true;
  }
  for (auto& p : form.pieces) {
    if (p.label) dropEnumerator(form.page, p);
  }
  for (auto& p : form.pieces) {  // "Subject: Hong Kong: market": only the first colon parts label and value
    if (!p.label || !p.colon || p.right < 0) continue;
    Piece& q = form.pieces[static_cast<size_t>(p.right)];
    if (q.colon && q.fill < 0 && q.box.x0 - p.box.x1 < 1.3 * form.em) q.label = false;
  }
}

/// "(before 1 May)" behind or below a label with a colon belongs to the label's name.
void joinHints(FormPage& form) {
  const double em = form.em;
  for (auto& label : form.pieces) {
    if (!label.colon || label.fill >= 0) continue;
    int hint = -1;
    for (const int j : form.between(label.box.y0, label.box.y1 + 1.2 * em)) {
      const Piece& q = form.pieces[static_cast<size_t>(j)];
      if (&q == &label || q.colon || !q.text.starts_with('(') || !q.text.ends_with(')') || q.words.size() < 2) continue;
      const bool behind = label.right == j && q.box.x0 - label.box.x1 < 1.5 * em;
      const bool below = std::abs(q.box.x0 - label.box.x0) < em && q.box.y0 > label.box.y1 - 0.4 * em &&
                         q.box.y0 - label.box.y1 < 0.4 * em && q.right < 0;
      if (behind || below) hint = j;
    }
    if (hint < 0) continue;
    Piece& q = form.pieces[static_cast<size_t>(hint)];
    const int right = label.right == hint ? q.right : label.right;
    joinPieces(label, q);
    label.colon = true;
    label.right = right;
    q.taken = true;
  }
}

/// "84" and, after some space, "mm".
bool unitAfter(const Piece& number, const Piece& unit) {
  static const RE2 pattern("(?:[a-zµ°%\"'/²³]{1,5}|°C|°F|%|kg|[A-Z]{3})\\.?");
  const bool digit = number.text.back() >= '0' && number.text.back() <= '9';
  return digit && unit.words.size() == 1 && RE2::FullMatch(unit.text, pattern);
}

/// The pieces that stand right of a label up to the next one, or on the line that it leaves to fill in.
std::vector<int> rightOf(FormPage& form, const Piece& label) {
  const double em = form.em;
  const Box* line = label.fill >= 0 ? &form.page.rules[static_cast<size_t>(label.fill)].box : nullptr;
  std::vector<int> found;
  const Piece* last = &label;
  int at = label.right;
  if (line != nullptr) {  // handwriting and type stand higher on a line than the label does
    for (const int j : form.between(label.box.y0 - 0.8 * em, label.box.y1 + 0.8 * em)) {
      const Piece& q = form.pieces[static_cast<size_t>(j)];
      if (q.under != label.fill || q.label || q.taken || q.box.x0 < label.box.x1 - 0.7 * em) continue;
      if (at < 0 || q.box.x0 < form.pieces[static_cast<size_t>(at)].box.x0) at = j;
    }
  }
  for (; at >= 0; at = last->right) {
    Piece& q = form.pieces[static_cast<size_t>(at)];
    const double gap = q.box.x0 - last->box.x1;
    if (q.label || q.taken || gap > kReachRight * em) break;
    if (found.empty()) {
      if (line != nullptr && q.box.x0 > line->x1 - 0.5 * em) break;
    } else {
      const bool next_label = gap > 1.6 * em && formWord(q.text) && labelLike(q.text) && q.right >= 0;
      const bool same_line = q.under >= 0 && q.under == last->under && gap < 6 * em && !next_label;
      // A unit stands behind the number, or behind the line that the number is written on.
      const double line_end = line != nullptr && line->x1 > last->box.x1 ? line->x1 : last->box.x1;
      const bool unit = unitAfter(*last, q) && (gap < 5 * em || std::abs(q.box.x0 - line_end) < 1.5 * em);
      const bool close = unit || (gap < 1.6 * em && (!q.starts || last->colon));
      if (!same_line && !close) break;
    }
    found.push_back(at);
    last = &q;
  }
  return found;
}

/// The free piece straight below a box, within `reach` text heights.
int belowOf(const FormPage& form, const Box& box, double reach) {
  int best = -1;
  for (const int j : form.between(box.centerY(), box.y1 + (reach + 1.5) * form.em)) {
    const Piece& q = form.pieces[static_cast<size_t>(j)];
    if (q.box.y0 < box.y1 - 0.4 * form.em || q.box.y0 - box.y1 > reach * form.em || q.label || q.taken || q.key)
      continue;
    const bool aligned = std::abs(q.box.x0 - box.x0) < 1.2 * form.em || horizontalOverlap(q.box, box) > 0.6;
    if (aligned && (best < 0 || q.box.y0 < form.pieces[static_cast<size_t>(best)].box.y0)) best = j;
  }
  return best;
}

/// A horizontal line drawn between two boxes, one above the other.
bool lineBetween(const FormPage& form, const Box& above, const Box& below) {
  return std::any_of(form.page.rules.begin(), form.page.rules.end(), [&](const Rule& r) {
    if (r.orientation != Orientation::kHorizontal) return false;
    const double y = r.box.centerY();
    return y > above.centerY() && y < below.centerY() && horizontalOverlap(r.box, below) > 0.7;
  });
}

/// The piece on the line to fill in that follows the one `last` stands on, or in the next line of text.
int onNextLine(const FormPage& form, const Box& label, const Piece& last) {
  int best = -1;
  const double reach = last.under >= 0 ? 2.2 : 1.1;
  for (const int j : form.between(last.box.y1, last.box.y1 + reach * form.em)) {
    const Piece& q = form.pieces[static_cast<size_t>(j)];
    if ((q.under < 0) != (last.under < 0) || q.label || q.taken || q.key) continue;
    if (q.under >= 0 && q.under == last.under) continue;
    if (q.box.x0 < label.x0 - form.em || q.box.x0 > last.box.x1) continue;
    if (best < 0 || q.box.x0 < form.pieces[static_cast<size_t>(best)].box.x0) best = j;
  }
  return best;
}

/// A text that breaks off: it ends with a comma or hyphen, or a parenthesis is still open.
bool breaksOff(const std::string& text) {
  if (text.empty()) return false;
  const auto opened = std::count(text.begin(), text.end(), '('), closed = std::count(text.begin(), text.end(), ')');
  return text.back() == ',' || text.ends_with(" -") || text.back() == '&' || opened > closed;
}

/// The leftmost free piece of the next row under a text that breaks off; it may begin anywhere from the label on.
int restBelow(const FormPage& form, const Box& label, const Piece& last) {
  int best = -1;
  for (const int j : form.between(last.box.y1, last.box.y1 + 1.5 * form.em)) {
    const Piece& q = form.pieces[static_cast<size_t>(j)];
    if (q.label || q.taken || q.key || q.box.y0 - last.box.y1 > form.em) continue;
    if (q.box.x0 < label.x0 - form.em || q.box.x0 > last.box.x1) continue;
    if (best < 0 || q.box.x0 < form.pieces[static_cast<size_t>(best)].box.x0) best = j;
  }
  return best;
}

/// Left of the value and with a line no longer than itself: a heading rather than the next line to fill in.
bool underlinedOnly(const FormPage& form, const Piece& p, const Box& value) {
  const Box& line = form.page.rules[static_cast<size_t>(p.under)].box;
  return p.box.x0 < value.x0 - 2 * form.em && line.x1 - p.box.x1 < 1.5 * form.em;
}

/// A caption, its brackets read in whatever shape.
bool bracketed(const std::string& text) {
  return text.size() > 2 && (text.front() == '(' || text.front() == '[') && (text.back() == ')' || text.back() == ']');
}

/// Another label begins between two lines of text, above the second one: that is its value.
bool labelBefore(const FormPage& form, const Box& own, const Box& last, const Box& next) {
  const auto between = form.between(last.centerY() + 0.3 * form.em, next.centerY());
  return std::any_of(between.begin(), between.end(), [&](int j) {
    const Piece& p = form.pieces[static_cast<size_t>(j)];
    return p.label && p.colon && p.box.x0 > own.x0 - form.em && p.box.x0 < next.x0;
  });
}

/// Further lines of a value: straight below it, or on the next line to fill in, with nothing to their left.
void extendDown(FormPage& form, const Box& label, int value, std::vector<int>& words) {
  const Box first = form.pieces[static_cast<size_t>(value)].box;
  int at = value, right_edge = 0;
  for (const auto& p : form.pieces) right_edge = std::max(right_edge, p.box.x1);
  for (int lines = 0; lines < 6; ++lines) {
    const Piece& last = form.pieces[static_cast<size_t>(at)];
    int next = belowOf(form, last.box, last.under >= 0 ? 1.2 : 0.55);
    if (next < 0) next = onNextLine(form, label, last);
    const bool broken = breaksOff(last.text);
    if (next < 0 && broken) next = restBelow(form, label, last);
    if (next < 0) return;
    Piece& q = form.pieces[static_cast<size_t>(next)];
    const bool aligned = std::abs(q.box.x0 - first.x0) < 0.9 * form.em;
    const bool wrapped = last.box.x1 > right_edge - 5 * form.em && last.words.size() > 3 && q.right < 0 &&
                         q.box.x0 > label.x0 - form.em && q.box.x0 < first.x1;
    const bool own_label = q.right >= 0 && labelLike(q.text) && std::abs(q.box.x0 - label.x0) < form.em;
    const bool on_line = last.under >= 0 && q.under >= 0 && q.box.x0 < first.x1 && q.box.x0 > label.x0 - form.em &&
                         !own_label && !underlinedOnly(form, q, first);
    if (!aligned && !on_line && !wrapped && !broken) return;
    if (labelBefore(form, label, last.box, q.box)) return;
    if (last.under >= 0 && q.under < 0 && bracketed(q.text)) return;  // "(City)" below the line
    if (!on_line && last.under < 0 && lineBetween(form, last.box, q.box)) return;
    if (q.left >= 0 && form.pieces[static_cast<size_t>(q.left)].box.x1 > label.x0) return;
    q.taken = true;
    words.insert(words.end(), q.words.begin(), q.words.end());
    at = next;
  }
}

/// Lines of a label above its last one: "Name of" over "account:".
std::vector<int> wholeKey(FormPage& form, Piece& key) {
  std::vector<int> words = key.words;
  if (!key.colon || key.words.size() > 3) return words;
  for (const int j : form.between(key.box.y0 - 1.6 * form.em, key.box.y0)) {
    Piece& p = form.pieces[static_cast<size_t>(j)];
    if (p.label || p.taken || p.key || &p == &key || p.words.size() > 5 || !labelLike(p.text)) continue;
    const double gap = key.box.y0 - p.box.y1;
    if (gap > 0.3 * form.em || std::abs(p.box.x0 - key.box.x0) > 0.5 * form.em || p.under >= 0) continue;
    if (p.right >= 0 && form.pieces[static_cast<size_t>(p.right)].box.x0 - p.box.x1 < 8 * form.em) continue;
    words.insert(words.begin(), p.words.begin(), p.words.end());
    p.key = true;
    break;
  }
  return words;
}

/// A label and the pieces that are its value, before further lines are looked for.
struct Pair {
  int label = -1;
  std::vector<int> values;
  bool below = false;
};

void take(FormPage& form, std::vector<Pair>& pairs, Pair pair) {
  for (const int v : pair.values) form.pieces[static_cast<size_t>(v)].taken = true;
  form.pieces[static_cast<size_t>(pair.label)].key = true;
  pairs.push_back(std::move(pair));
}

/// Labels with a colon, or with a line to fill in behind them: first all that have a value to their right, so that
/// what belongs to a label of its own row is never the value of one above it.
std::vector<Pair> sureLabels(FormPage& form) {
  std::vector<Pair> pairs;
  const int count = static_cast<int>(form.pieces.size());
  for (int i = 0; i < count; ++i) {
    const Piece& label = form.pieces[static_cast<size_t>(i)];
    if (!label.label || label.key) continue;
    auto values = rightOf(form, label);
    if (!values.empty()) take(form, pairs, {i, std::move(values), false});
  }
  return pairs;
}

/// Other text, already paired, stands between a label and what is below it.
bool textBetween(const FormPage& form, const Box& above, const Box& below) {
  const auto between = form.between(above.y1, below.y0);
  return std::any_of(between.begin(), between.end(), [&](int j) {
    const Piece& p = form.pieces[static_cast<size_t>(j)];
    return (p.taken || p.label) && horizontalOverlap(p.box, below) > 0.2;
  });
}

/// What stands lower and further right, where values are written half a line or a line below their label: the first
/// piece of its row, with no other label above it.
int belowRight(const FormPage& form, const Piece& label) {
  const double em = form.em;
  for (const int j : form.between(label.box.centerY() + 0.2 * em, label.box.y1 + 2.6 * em)) {
    const Piece& q = form.pieces[static_cast<size_t>(j)];
    if (&q == &label || q.box.x0 < label.box.x0 - em || q.box.x0 > label.box.x1 + 12 * em) continue;
    if (q.label || q.taken || q.key || q.box.y0 - label.box.y1 > kReachBelow * em) return -1;
    if (q.left >= 0 && q.left != static_cast<int>(&label - form.pieces.data()) &&
        form.pieces[static_cast<size_t>(q.left)].box.x1 > label.box.x0 - 2 * em)
      return -1;
    return labelBefore(form, label.box, label.box, q.box) ? -1 : j;
  }
  return -1;
}

/// Labels with a colon and nothing to their right, with what stands straight below.
std::vector<Pair> labelsAbove(FormPage& form) {
  std::vector<Pair> pairs;
  const int count = static_cast<int>(form.pieces.size());
  for (int i = 0; i < count; ++i) {
    const Piece& label = form.pieces[static_cast<size_t>(i)];
    if (!label.colon || !label.label || label.key || label.fill >= 0) continue;
    int under = belowOf(form, label.box, kReachBelow);
    if (under < 0) under = belowRight(form, label);
    if (under < 0) continue;
    const Piece& q = form.pieces[static_cast<size_t>(under)];
    if (textBetween(form, label.box, q.box)) continue;
    // A piece with something to its right is the label of that.
    if (q.right >= 0 && labelLike(q.text) && form.pieces[static_cast<size_t>(q.right)].box.x0 - q.box.x1 < 8 * form.em)
      continue;
    take(form, pairs, {i, {under}, true});
  }
  return pairs;
}

/// Specks that were read as a letter beside what is written on a line.
bool speck(const Page& page, int word) {
  const Word& w = page.words[static_cast<size_t>(word)];
  return w.text.size() == 1 && w.confidence < 0.7f;
}

std::string valueText(const Page& page, std::vector<int>& words, const std::string& text) {
  const size_t all = words.size();
  while (words.size() > 1 && speck(page, words.back())) words.pop_back();
  while (words.size() > 1 && speck(page, words.front())) words.erase(words.begin());
  return words.size() == all ? text : textOf(page, words);
}

KeyValue keyValueOf(FormPage& form, const Pair& pair) {
  Piece& label = form.pieces[static_cast<size_t>(pair.label)];
  const Piece& first = form.pieces[static_cast<size_t>(pair.values[0])];
  const double away = pair.below ? 3.0 : std::max(0, first.box.x0 - label.box.x1) / form.em;
  KeyValue kv;
  for (const int v : pair.values) {
    const Piece& value = form.pieces[static_cast<size_t>(v)];
    kv.value_words.insert(kv.value_words.end(), value.words.begin(), value.words.end());
    kv.value += (kv.value.empty() ? "" : " ") + value.text;
  }
  const size_t own = kv.value_words.size();
  extendDown(form, pair.below ? first.box : label.box, pair.values[0], kv.value_words);
  for (size_t w = own; w < kv.value_words.size(); ++w)
    kv.value += ' ' + form.page.words[static_cast<size_t>(kv.value_words[w])].text;
  kv.value = withoutLeaders(valueText(form.page, kv.value_words, kv.value));
  kv.key_words = wholeKey(form, label);
  kv.key = kv.key_words.size() == label.words.size() ? label.text : textOf(form.page, kv.key_words);
  kv.confidence = static_cast<float>(0.35 + 0.6 * std::exp(-away / 8));
  return kv;
}

bool freePiece(const Piece& p) { return !p.label && !p.taken && !p.key; }

/// How many further rows of two close columns stand above or below this one, labels and values aligned with it.
int alignedRows(const FormPage& form, const Piece& label, const Piece& value) {
  int rows = 0;
  for (const int j : form.between(label.box.centerY() - 6 * form.em, label.box.centerY() + 6 * form.em)) {
    const Piece& p = form.pieces[static_cast<size_t>(j)];
    if (&p == &label || p.right < 0 || std::abs(p.box.x0 - label.box.x0) > 0.6 * form.em) continue;
    const Piece& q = form.pieces[static_cast<size_t>(p.right)];
    if (std::abs(q.box.x0 - value.box.x0) < form.em && namesRow(p)) ++rows;
  }
  return rows;
}

bool figure(const std::string& text) {
  return !labelLike(text) && text.find_first_of("0123456789") != std::string::npos;
}

/// Labels without a colon: of letters, with one piece to their right, and a second sign that the two belong together.
std::vector<Pair> plainLabels(FormPage& form) {
  std::vector<Pair> pairs;
  for (size_t i = 0; i < form.pieces.size(); ++i) {
    const Piece& label = form.pieces[i];
    if (!freePiece(label) || label.right < 0 || !namesRow(label)) continue;
    const Piece& value = form.pieces[static_cast<size_t>(label.right)];
    const double gap = (value.box.x0 - label.box.x1) / form.em;
    // Two labels side by side, or in neighbouring cells of a drawn grid, are no pair.
    const bool both = labelLike(value.text) && value.under < 0 && (formWord(value.text) || value.walled);
    const int rows = alignedRows(form, label, value);
    if (!labelLike(label.text) && (rows < 3 || !figure(value.text))) continue;
    if (!freePiece(value) || both || gap > 15 || value.words.size() > 10) continue;
    if (value.words.size() == 1 && speck(form.page, value.words[0])) continue;
    if (inProse(form, value) || (rows == 0 && inProse(form, label))) continue;
    if (rows == 0 && value.words.size() > 3 && value.under < 0 && !formWord(label.text)) continue;
    double sure = 0;
    if (formWord(label.text)) sure += 1;
    if (!labelLike(value.text)) sure += 1;
    if (value.under >= 0 && label.under < 0) sure += 1;
    sure += 0.35 * std::min(3, rows);
    if (gap > 8) sure -= 0.5;
    if (sure < 1) continue;
    // What stands to the right may lie behind the label's own line to fill in: then it is not its value.
    auto values = rightOf(form, label);
    if (values.empty()) continue;
    int last = values.back();
    take(form, pairs, {static_cast<int>(i), std::move(values), false});
    if (!figure(value.text)) continue;
    // A row of figures: each is a value of its label.
    while (rows > 1) {
      const int next = form.pieces[static_cast<size_t>(last)].right;
      if (next < 0) break;
      const Piece& q = form.pieces[static_cast<size_t>(next)];
      if (!freePiece(q) || !figure(q.text) || q.words.size() > 2 ||
          q.box.x0 - form.pieces[static_cast<size_t>(last)].box.x1 > 15 * form.em)
        break;
      take(form, pairs, {static_cast<int>(i), {next}, false});
      last = next;
    }
  }
  return pairs;
}

}  // namespace

void findKeyValues(Page& page) {
  page.key_values.clear();
  const Scene scene(page);
  FormPage form = formPage(page, scene.em);
  joinHints(form);
  markLabels(form);
  std::vector<KeyValue> found;
  boxedLabels(form, found);
  listLabels(form, found);
  auto pairs = sureLabels(form);
  columnLabels(form, found);
  for (auto& more : {labelsAbove(form), plainLabels(form)}) pairs.insert(pairs.end(), more.begin(), more.end());
  for (const auto& pair : pairs) {
    KeyValue kv = keyValueOf(form, pair);
    if (!form.pieces[static_cast<size_t>(pair.label)].label) kv.confidence = std::min(0.5f, kv.confidence);
    if (!kv.value.empty()) found.push_back(std::move(kv));
  }
  sectionLabels(form, found);
  for (auto& kv : found) kv.confidence = std::round(1000 * kv.confidence) / 1000;
  page.key_values = std::move(found);
}

}  // namespace lectern::reader
