#include "reader/workflow/program.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string_view>
#include <utility>

#include "reader/question/lexicon.h"

namespace lectern::reader {

namespace {

constexpr double kLikePhrase = 0.82;
constexpr std::array<std::pair<Move, const char*>, 6> kMoves = {{{Move::kRight, "right"},
                                                                 {Move::kLeft, "left"},
                                                                 {Move::kBelow, "below"},
                                                                 {Move::kAbove, "above"},
                                                                 {Move::kRow, "row"},
                                                                 {Move::kBlock, "block"}}};

bool subset(const std::vector<int>& inner, const std::vector<int>& outer) {
  return std::all_of(inner.begin(), inner.end(),
                     [&](int w) { return std::find(outer.begin(), outer.end(), w) != outer.end(); });
}

/// Words of a segment from `at` on that read like the phrase; empty when they do not.
std::vector<int> phraseAt(const View& view, int page, const Segment& segment, size_t at,
                          const std::vector<std::string>& phrase, const std::string& whole) {
  std::string text;
  std::vector<int> words;
  for (size_t i = at; i < segment.words.size() && words.size() < phrase.size() + 1; ++i) {
    const std::string& plain = view.plain(page, segment.words[i]);
    words.push_back(segment.words[i]);
    if (plain.empty()) continue;
    text += (text.empty() ? "" : " ") + plain;
    if (text.size() + 2 < whole.size()) continue;
    if (likeness(text, whole) >= kLikePhrase) {
      // One more word may still belong to it ("no" of "invoice no").
      return words;
    }
    if (text.size() > whole.size() + 3) break;
  }
  return {};
}

std::vector<Span> phraseSpans(const View& view, const Start& start) {
  std::vector<Span> out;
  const auto phrase = tokensOf(start.text);
  if (phrase.empty()) return out;
  for (int p = 0; p < view.pages(); ++p) {
    for (const auto& row : view.rows(p)) {
      for (const auto& segment : row.segments) {
        for (size_t at = 0; at < segment.words.size(); ++at) {
          auto words = phraseAt(view, p, segment, at, phrase, start.text);
          if (words.empty()) continue;
          at += words.size() - 1;
          out.push_back(view.spanOf(p, std::move(words)));
        }
      }
    }
  }
  if (start.index < 0) std::reverse(out.begin(), out.end());
  return out;
}

std::vector<Span> typedSpans(const View& view, const Start& start) {
  std::vector<Span> all;
  for (int p = 0; p < view.pages(); ++p) {
    for (const auto& value : view.page(p).values) {
      if (typeName(value) == start.text && !value.words.empty()) all.push_back(view.spanOf(p, value.words));
    }
  }
  const int n = static_cast<int>(all.size());
  const int at = start.index < 0 ? n + start.index : start.index;
  if (at < 0 || at >= n) return {};
  return {all[static_cast<size_t>(at)]};
}

std::vector<Span> rowSpans(const View& view, const Start& start) {
  if (view.pages() == 0) return {};
  const auto& rows = view.rows(0);
  const int n = static_cast<int>(rows.size());
  const int at = start.index < 0 ? n + start.index : start.index;
  if (at < 0 || at >= n) return {};
  std::vector<int> words;
  for (const auto& segment : rows[static_cast<size_t>(at)].segments)
    words.insert(words.end(), segment.words.begin(), segment.words.end());
  return {view.spanOf(0, std::move(words))};
}

std::vector<Span> placeSpans(const View& view, const Start& start) {
  if (start.index < 0 || start.index >= view.pages()) return {};
  const Box printed = printedBox(view.page(start.index));
  std::vector<int> words;
  for (const auto& row : view.rows(start.index)) {
    for (const auto& segment : row.segments) {
      for (const int w : segment.words) {
        const Box& box = view.page(start.index).words[static_cast<size_t>(w)].box;
        const double x = (box.centerX() - printed.x0) / std::max(1, printed.width());
        const double y = (box.centerY() - printed.y0) / std::max(1, printed.height());
        if (x >= start.place[0] && x <= start.place[2] && y >= start.place[1] && y <= start.place[3])
          words.push_back(w);
      }
    }
  }
  if (words.empty()) return {};
  return {view.spanOf(start.index, std::move(words))};
}

std::string stripped(const std::string& text) {
  constexpr std::string_view kAround = " :;.,#-_|*=";
  const size_t first = text.find_first_not_of(kAround);
  if (first == std::string::npos) return {};
  // "Ltd." keeps its point; other marks at the end go.
  const size_t last = text.find_last_not_of(" :;,#-_|*=");
  return text.substr(first, last - first + 1);
}

/// The words of `span` that letters [from, to) of its text belong to.
std::vector<int> wordsBetween(const View& view, const Span& span, size_t from, size_t to) {
  std::vector<int> words;
  size_t at = 0;
  for (const int w : span.words) {
    const size_t end = at + view.page(span.page).words[static_cast<size_t>(w)].text.size();
    if (at < to && end > from) words.push_back(w);
    at = end + 1;
  }
  return words;
}

std::optional<Finding> finding(const View& view, const Span& from, std::string text, std::vector<int> words) {
  text = stripped(text);
  if (text.empty()) return std::nullopt;
  Finding found{text, text, view.spanOf(from.page, std::move(words))};
  for (const auto& value : view.page(from.page).values) {
    if (!value.normalized.empty() && value.words == found.span.words) found.normalized = value.normalized;
  }
  return found;
}

std::optional<Finding> typedIn(const View& view, const Span& from, const Take& take) {
  const Value* best = nullptr;
  for (const auto& value : view.page(from.page).values) {
    if (typeName(value) != take.text || value.words.empty() || !subset(value.words, from.words)) continue;
    best = &value;
    if (take.kind == Take::Kind::kTyped) break;
  }
  if (best == nullptr) return std::nullopt;
  return Finding{best->text, best->normalized.empty() ? best->text : best->normalized,
                 view.spanOf(from.page, best->words)};
}

}  // namespace

const std::string& typeName(const Value& value) {
  return value.semantic_type.empty() ? value.simple_type : value.semantic_type;
}

Box printedBox(const Page& page) {
  Box box;
  for (const auto& word : page.words) box = unite(box, word.box);
  return box;
}

std::vector<Span> startsOf(const View& view, const Start& start) {
  switch (start.kind) {
    case Start::Kind::kPhrase:
      return phraseSpans(view, start);
    case Start::Kind::kTyped:
      return typedSpans(view, start);
    case Start::Kind::kRow:
      return rowSpans(view, start);
    case Start::Kind::kPlace:
      break;
  }
  return placeSpans(view, start);
}

Span moved(const View& view, const Span& from, Move move) {
  switch (move) {
    case Move::kRight:
      return view.right(from);
    case Move::kLeft:
      return view.left(from);
    case Move::kBelow:
      return view.below(from);
    case Move::kAbove:
      return view.above(from);
    case Move::kRow:
      return view.row(from);
    case Move::kBlock:
      break;
  }
  return view.block(from);
}

std::optional<Finding> taken(const View& view, const Span& from, const Take& take) {
  if (from.words.empty()) return std::nullopt;
  const std::string text = view.text(from);
  switch (take.kind) {
    case Take::Kind::kAll:
      return finding(view, from, text, from.words);
    case Take::Kind::kTyped:
    case Take::Kind::kLast:
      return typedIn(view, from, take);
    case Take::Kind::kWord: {
      const int n = static_cast<int>(from.words.size());
      const int at = take.index < 0 ? n + take.index : take.index;
      if (at < 0 || at >= n) return std::nullopt;
      const int word = from.words[static_cast<size_t>(at)];
      return finding(view, from, view.page(from.page).words[static_cast<size_t>(word)].text, {word});
    }
    case Take::Kind::kShape: {
      const RE2 pattern("(" + take.text + ")");
      re2::StringPiece rest(text), match;
      if (!pattern.ok() || !RE2::FindAndConsume(&rest, pattern, &match)) return std::nullopt;
      const auto begin = static_cast<size_t>(match.data() - text.data());
      return finding(view, from, std::string(match), wordsBetween(view, from, begin, begin + match.size()));
    }
    case Take::Kind::kAfter:
      break;
  }
  const size_t colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return finding(view, from, text.substr(colon + 1), wordsBetween(view, from, colon + 1, text.size()));
}

std::optional<Finding> runProgram(const View& view, const Program& program) {
  for (Span at : startsOf(view, program.start)) {
    for (const Move move : program.moves) at = moved(view, at, move);
    if (auto found = taken(view, at, program.take)) return found;
  }
  return std::nullopt;
}

std::string programToText(const Program& p) {
  std::string out;
  switch (p.start.kind) {
    case Start::Kind::kPhrase:
      out = fmt::format("find \"{}\" {}", p.start.text, p.start.index < 0 ? "last" : "first");
      break;
    case Start::Kind::kTyped:
      out = fmt::format("value {} {}", p.start.text, p.start.index);
      break;
    case Start::Kind::kRow:
      out = fmt::format("row {}", p.start.index);
      break;
    case Start::Kind::kPlace:
      out = fmt::format("place {:.3f} {:.3f} {:.3f} {:.3f} page {}", p.start.place[0], p.start.place[1],
                        p.start.place[2], p.start.place[3], p.start.index);
  }
  for (const Move move : p.moves) {
    for (const auto& [kind, name] : kMoves) {
      if (kind == move) out += std::string(" | ") + name;
    }
  }
  switch (p.take.kind) {
    case Take::Kind::kAll:
      return out + " | all";
    case Take::Kind::kTyped:
      return out + " | typed " + p.take.text;
    case Take::Kind::kLast:
      return out + " | last " + p.take.text;
    case Take::Kind::kWord:
      return out + fmt::format(" | word {}", p.take.index);
    case Take::Kind::kShape:
      return out + " | shape " + p.take.text;
    case Take::Kind::kAfter:
      break;
  }
  return out + " | after :";
}

namespace {

bool parseStart(const std::string& step, Start& start) {
  static const RE2 phrase("find \"([^\"]+)\" (first|last)"), typed("value (\\S+) (-?\\d{1,3})"),
      row("row (-?\\d{1,3})"), place("place ([\\d.]{1,8}) ([\\d.]{1,8}) ([\\d.]{1,8}) ([\\d.]{1,8}) page (\\d{1,4})");
  std::string word;
  auto& at = start.place;
  if (RE2::FullMatch(step, phrase, &start.text, &word)) {
    start.kind = Start::Kind::kPhrase;
    start.index = word == "last" ? -1 : 0;
  } else if (RE2::FullMatch(step, typed, &start.text, &start.index)) {
    start.kind = Start::Kind::kTyped;
  } else if (RE2::FullMatch(step, row, &start.index)) {
    start.kind = Start::Kind::kRow;
  } else if (RE2::FullMatch(step, place, &at[0], &at[1], &at[2], &at[3], &start.index)) {
    start.kind = Start::Kind::kPlace;
  } else {
    return false;
  }
  return true;
}

bool parseTake(const std::string& step, Take& take) {
  static const RE2 word("word (-?\\d{1,3})"), typed("(typed|last|shape) (\\S+)");
  std::string kind;
  if (step == "all") {
    take.kind = Take::Kind::kAll;
  } else if (step == "after :") {
    take.kind = Take::Kind::kAfter;
  } else if (RE2::FullMatch(step, word, &take.index)) {
    take.kind = Take::Kind::kWord;
  } else if (RE2::FullMatch(step, typed, &kind, &take.text)) {
    take.kind = kind == "typed" ? Take::Kind::kTyped : kind == "last" ? Take::Kind::kLast : Take::Kind::kShape;
  } else {
    return false;
  }
  return true;
}

}  // namespace

Result<Program> programFromText(const std::string& text) {
  constexpr std::string_view kBetween = " | ";
  std::vector<std::string> steps;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(kBetween, at), text.size());
    steps.push_back(text.substr(at, end - at));
    at = end + kBetween.size();
  }
  Program program;
  const auto wrong = [](const std::string& step) { return fail(Code::kInvalid, "'" + step + "' is no program step"); };
  constexpr size_t kMostSteps = 6;
  if (steps.size() < 2 || steps.size() > kMostSteps) return wrong(text);
  if (!parseStart(steps.front(), program.start)) return wrong(steps.front());
  if (!parseTake(steps.back(), program.take)) return wrong(steps.back());
  for (size_t i = 1; i + 1 < steps.size(); ++i) {
    const auto* move = std::find_if(kMoves.begin(), kMoves.end(), [&](const auto& m) { return steps[i] == m.second; });
    if (move == kMoves.end()) return wrong(steps[i]);
    program.moves.push_back(move->first);
  }
  return program;
}

}  // namespace lectern::reader
