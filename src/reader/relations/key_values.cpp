#include <algorithm>
#include <cmath>
#include <string_view>

#include "reader/page/rows.h"
#include "reader/relations/relations.h"
#include "reader/relations/scene.h"

namespace lectern::reader {

namespace {

/// A piece of a line that is a label, a value, or not known yet.
struct Piece {
  Box box;
  std::vector<int> words;
  std::string text;
  bool key = false;    // ends with a colon
  bool taken = false;  // belongs to a pair as its value
};

constexpr double kReachRight = 22;  // from a label to its value, in text heights
constexpr double kReachBelow = 1.6;

bool isTimeColon(const std::string& text, size_t at) {
  const auto digit = [&](size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
  return at > 0 && digit(at - 1) && digit(at + 1);
}

/// True for a word that ends a label: "Date:", or a colon by itself.
bool endsLabel(const std::string& word) { return !word.empty() && word.back() == ':' && word.size() < 24; }

Piece pieceOf(const Page& page, std::vector<int> words, bool key) {
  Piece p;
  for (const int w : words) p.box = unite(p.box, page.words[static_cast<size_t>(w)].box);
  p.text = textOf(page, words);
  p.words = std::move(words);
  p.key = key;
  return p;
}

/// Lines cut into labels and the rest: after every word that ends with a colon, and at wide white space.
std::vector<Piece> piecesOf(const Page& page, double em) {
  std::vector<Piece> out;
  for (const auto& line : page.lines) {
    std::vector<int> words;
    const auto close = [&](bool key) {
      if (!words.empty()) out.push_back(pieceOf(page, std::move(words), key));
      words.clear();
    };
    for (const int w : line.words) {
      const Word& word = page.words[static_cast<size_t>(w)];
      if (!words.empty()) {
        const Box& before = page.words[static_cast<size_t>(words.back())].box;
        if (word.box.x0 - before.x1 > 1.8 * em) close(false);
      }
      words.push_back(w);
      if (endsLabel(word.text)) close(true);
    }
    close(false);
  }
  return out;
}

/// "Date:12/3" in one word: label and value share it.
void splitGlued(const Page& page, const Piece& piece, std::vector<KeyValue>& out) {
  for (size_t i = 0; i < piece.words.size(); ++i) {
    const std::string& text = page.words[static_cast<size_t>(piece.words[i])].text;
    const size_t colon = text.find(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 >= text.size() || isTimeColon(text, colon)) continue;
    if (text.compare(colon, 3, "://") == 0) continue;
    KeyValue kv;
    kv.key_words.assign(piece.words.begin(), piece.words.begin() + static_cast<long>(i) + 1);
    kv.value_words.assign(piece.words.begin() + static_cast<long>(i), piece.words.end());
    const std::string all = piece.text;
    const size_t at = all.find(text) + colon;
    kv.key = all.substr(0, at + 1);
    kv.value = all.substr(at + 1);
    while (!kv.value.empty() && kv.value[0] == ' ') kv.value.erase(0, 1);
    kv.confidence = 0.7f;
    out.push_back(std::move(kv));
    return;
  }
}

bool sameRow(const Box& a, const Box& b) { return verticalOverlap(a, b) > 0.5; }

/// The nearest piece to the right in the row; labels block the way.
Piece* rightOf(std::vector<Piece>& pieces, const Piece& key, double em) {
  Piece* best = nullptr;
  for (auto& p : pieces) {
    if (&p == &key || !sameRow(p.box, key.box) || p.box.x0 < key.box.x1 - 0.5 * em) continue;
    if (p.box.x0 - key.box.x1 > kReachRight * em) continue;
    if (best == nullptr || p.box.x0 < best->box.x0) best = &p;
  }
  return best != nullptr && !best->key ? best : nullptr;
}

Piece* belowOf(std::vector<Piece>& pieces, const Box& box, double reach, double em) {
  Piece* best = nullptr;
  for (auto& p : pieces) {
    if (p.box.y0 < box.y1 - 0.4 * em || p.box.y0 - box.y1 > reach * em) continue;
    const bool aligned = std::abs(p.box.x0 - box.x0) < 1.2 * em || horizontalOverlap(p.box, box) > 0.6;
    if (!aligned) continue;
    if (best == nullptr || p.box.y0 < best->box.y0) best = &p;
  }
  return best != nullptr && !best->key && !best->taken ? best : nullptr;
}

/// Further lines of a value: straight below it, left aligned, no label, nothing to their left.
void extendDown(std::vector<Piece>& pieces, Piece& value, std::vector<int>& words, double em) {
  Box box = value.box;
  for (int lines = 0; lines < 4; ++lines) {
    Piece* next = belowOf(pieces, box, 0.45, em);
    if (next == nullptr || std::abs(next->box.x0 - value.box.x0) > 0.8 * em) return;
    const bool labelled = std::any_of(pieces.begin(), pieces.end(), [&](const Piece& p) {
      return &p != next && sameRow(p.box, next->box) && p.box.x1 <= next->box.x0 + 0.5 * em;
    });
    if (labelled) return;
    next->taken = true;
    words.insert(words.end(), next->words.begin(), next->words.end());
    box = next->box;
  }
}

/// Lines of a label above its last one: "Name of" over "account:".
std::vector<int> wholeKey(std::vector<Piece>& pieces, const Piece& key, double em) {
  std::vector<int> words = key.words;
  for (auto& p : pieces) {
    if (p.key || p.taken || &p == &key) continue;
    const double gap = key.box.y0 - p.box.y1;
    if (gap > 0.3 * em || gap < -0.6 * em || p.box.centerY() >= key.box.y0 ||
        std::abs(p.box.x0 - key.box.x0) > 0.5 * em)
      continue;
    if (key.words.size() > 2 || p.words.size() > 5) continue;
    words.insert(words.begin(), p.words.begin(), p.words.end());
    p.taken = true;
    break;
  }
  return words;
}

bool lettered(const std::string& text) {
  const auto letters =
      std::count_if(text.begin(), text.end(), [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; });
  return letters >= 2 && letters * 2 > static_cast<long>(text.size());
}

KeyValue pairOf(const Page& page, std::vector<Piece>& pieces, const Piece& key, Piece& value, double confidence,
                double em) {
  value.taken = true;
  KeyValue kv;
  kv.value_words = value.words;
  extendDown(pieces, value, kv.value_words, em);
  kv.key_words = wholeKey(pieces, key, em);
  kv.key = textOf(page, kv.key_words);
  kv.value = textOf(page, kv.value_words);
  kv.confidence = static_cast<float>(std::round(1000 * confidence) / 1000);
  return kv;
}

/// Labels without a colon: a short piece of letters with one piece to its right, or straight below it.
void plainLabels(Page& page, std::vector<Piece>& pieces, double em) {
  for (auto& piece : pieces) {
    if (piece.key || piece.taken || piece.words.size() > 5 || !lettered(piece.text)) continue;
    Piece* value = rightOf(pieces, piece, em);
    const bool right =
        value != nullptr && !value->taken && value->box.x0 - piece.box.x1 < 12 * em && value->words.size() <= 8;
    if (!right) continue;
    page.key_values.push_back(pairOf(page, pieces, piece, *value, lettered(value->text) ? 0.35 : 0.5, em));
  }
}

}  // namespace

void findKeyValues(Page& page) {
  page.key_values.clear();
  const Scene scene(page);
  auto pieces = piecesOf(page, scene.em);
  for (auto& piece : pieces) {
    if (!piece.key) {
      splitGlued(page, piece, page.key_values);
      continue;
    }
    Piece* value = rightOf(pieces, piece, scene.em);
    const bool below = value == nullptr;
    if (below) value = belowOf(pieces, piece.box, kReachBelow, scene.em);
    if (value == nullptr || value->taken) continue;
    const double away = below ? 3.0 : std::max(0, value->box.x0 - piece.box.x1) / scene.em;
    page.key_values.push_back(pairOf(page, pieces, piece, *value, 0.35 + 0.6 * std::exp(-away / 8), scene.em));
  }
  plainLabels(page, pieces, scene.em);
}

}  // namespace lectern::reader
