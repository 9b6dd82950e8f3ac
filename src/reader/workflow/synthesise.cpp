#include "reader/workflow/synthesise.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "reader/question/lexicon.h"

namespace lectern::reader {

namespace {

constexpr size_t kMostPrograms = 40;
constexpr size_t kMostOfOneStart = 3;
constexpr size_t kMostWordsOfPhrase = 3;
constexpr int kClones = 2;
constexpr double kLeastShare = 0.25;
constexpr double kFarRows = 8;  // rows after which a label counts less by e

/// Letters and digits only: what two readings of one value share.
std::string essence(const std::string& text) {
  std::string out;
  for (const char c : plainText(text)) {
    if (c != ' ') out += c;
  }
  return out;
}

bool hasDigit(const std::string& text) { return text.find_first_of("0123456789") != std::string::npos; }

/// The example with boxes moved by up to three pixels and one letter in fifty changed outside of the target.
Document disturbed(const Document& source, const std::vector<Span>& targets, std::mt19937& random) {
  Document copy = source;
  std::uniform_int_distribution<int> shift(-3, 3), letter('a', 'z'), chance(0, 49);
  for (size_t p = 0; p < copy.pages.size(); ++p) {
    std::set<int> kept;
    for (const auto& t : targets) {
      if (t.page == static_cast<int>(p)) kept.insert(t.words.begin(), t.words.end());
    }
    auto& words = copy.pages[p].words;
    for (size_t w = 0; w < words.size(); ++w) {
      const int dx = shift(random), dy = shift(random);
      words[w].box = {words[w].box.x0 + dx, words[w].box.y0 + dy, words[w].box.x1 + dx, words[w].box.y1 + dy};
      if (kept.contains(static_cast<int>(w))) continue;
      for (char& c : words[w].text) {
        if (static_cast<unsigned char>(c) < 0x80 && chance(random) == 0) c = static_cast<char>(letter(random));
      }
    }
  }
  return copy;
}

/// Runs of letters and digits as classes, everything else as it is: 00418-27 gives \d{5}-\d{2} and \d+-\d+.
std::vector<std::string> shapesOf(const std::string& text) {
  std::string exact, loose;
  const auto kind = [](char c) {
    return c >= '0' && c <= '9' ? 'd' : c >= 'A' && c <= 'Z' ? 'A' : c >= 'a' && c <= 'z' ? 'a' : c;
  };
  for (size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) >= 0x80) return {};
    const char k = kind(text[i]);
    size_t end = i;
    while (end < text.size() && kind(text[end]) == k && (k == 'd' || k == 'A' || k == 'a')) ++end;
    if (end == i) {
      const std::string literal = text[i] == ' ' ? "\\s" : std::string("\\") + text[i];
      exact += literal;
      loose += literal;
      ++i;
      continue;
    }
    const std::string one = k == 'd' ? "\\d" : k == 'A' ? "[A-Z]" : "[a-z]";
    exact += one + "{" + std::to_string(end - i) + "}";
    loose += one + "+";
    i = end;
  }
  const std::string bounded = "\\b" + exact + "\\b";
  return exact.empty() || text.size() > 40 || !hasDigit(text)
             ? std::vector<std::string>{}
             : std::vector<std::string>{bounded, "\\b" + loose + "\\b"};
}

class Synthesis {
 public:
  explicit Synthesis(const std::vector<Example>& examples);
  std::vector<Weighted> programs();

 private:
  struct Case {
    const Document* document = nullptr;
    View view;
    std::vector<std::string> wanted;  // essences of the targets
    size_t example = 0;
  };
  void candidatesOf(const Example& example, const View& view);
  std::vector<Start> startsFor(const Example& example, const View& view) const;
  std::vector<Take> takesFor(const Example& example, const View& view) const;
  void follow(const View& view, const Example& example, const Start& start, const std::vector<Take>& takes);
  double weightOf(const Program& program, const Example& example, const View& view) const;
  bool serves(const Case& one, const Program& program) const;

  const std::vector<Example>& examples_;
  std::vector<std::unique_ptr<Document>> copies_;
  std::vector<Case> cases_;  // of each example: itself, then disturbed copies
  std::vector<Weighted> found_;
};

Synthesis::Synthesis(const std::vector<Example>& examples) : examples_(examples) {
  std::mt19937 random(1812);  // the same example gives the same programs
  for (size_t e = 0; e < examples.size(); ++e) {
    std::vector<std::string> wanted;
    const View own(*examples[e].document);
    for (const auto& t : examples[e].targets) wanted.push_back(essence(own.text(t)));
    cases_.push_back({examples[e].document, View(*examples[e].document), wanted, e});
    for (int i = 0; i < kClones; ++i) {
      copies_.push_back(std::make_unique<Document>(disturbed(*examples[e].document, examples[e].targets, random)));
      cases_.push_back({copies_.back().get(), View(*copies_.back()), wanted, e});
    }
  }
}

std::vector<Start> Synthesis::startsFor(const Example& example, const View& view) const {
  std::vector<Start> starts;
  std::set<std::string> phrases;
  for (const auto& target : example.targets) {
    for (const auto& row : view.rows(target.page)) {
      for (const auto& segment : row.segments) {
        for (size_t at = 0; at < segment.words.size(); ++at) {
          std::string phrase;
          for (size_t i = at; i < std::min(at + kMostWordsOfPhrase, segment.words.size()); ++i) {
            const int w = segment.words[i];
            const std::string& plain = view.plain(target.page, w);
            if (hasDigit(plain) || std::find(target.words.begin(), target.words.end(), w) != target.words.end()) break;
            if (plain.empty()) continue;
            phrase += (phrase.empty() ? "" : " ") + plain;
            if (phrase.size() >= 2) phrases.insert(phrase);
          }
        }
      }
    }
    const int rows = static_cast<int>(view.rows(0).size());
    for (int r = 0; target.page == 0 && r < std::min(6, rows); ++r) starts.push_back({Start::Kind::kRow, "", r, {}});
    for (int r = 1; target.page == 0 && r <= std::min(4, rows); ++r) starts.push_back({Start::Kind::kRow, "", -r, {}});
    const Box printed = printedBox(view.page(target.page));
    const double w = std::max(1, printed.width()), h = std::max(1, printed.height());
    starts.push_back({Start::Kind::kPlace,
                      "",
                      target.page,
                      {std::max(0.0, (target.box.x0 - printed.x0) / w - 0.01),
                       std::max(0.0, (target.box.y0 - printed.y0) / h - 0.005),
                       (target.box.x1 - printed.x0) / w + 0.01, (target.box.y1 - printed.y0) / h + 0.005}});
  }
  for (const auto& phrase : phrases) {
    for (const int index : {0, -1}) starts.push_back({Start::Kind::kPhrase, phrase, index, {}});
  }
  std::map<std::string, int> counts;
  for (const auto& page : example.document->pages) {
    for (const auto& value : page.values) ++counts[typeName(value)];
  }
  for (const auto& [type, count] : counts) {
    for (int i = 0; i < std::min(3, count); ++i) starts.push_back({Start::Kind::kTyped, type, i, {}});
    for (int i = 1; i <= std::min(3, count); ++i) starts.push_back({Start::Kind::kTyped, type, -i, {}});
  }
  return starts;
}

std::vector<Take> Synthesis::takesFor(const Example& example, const View& view) const {
  std::vector<Take> takes = {{Take::Kind::kAll, "", 0}, {Take::Kind::kAfter, "", 0}};
  for (const int i : {0, 1, 2, -1, -2}) takes.push_back({Take::Kind::kWord, "", i});
  for (const auto& target : example.targets) {
    for (const auto& value : view.page(target.page).values) {
      if (value.words != target.words) continue;
      takes.push_back({Take::Kind::kTyped, typeName(value), 0});
      takes.push_back({Take::Kind::kLast, typeName(value), 0});
    }
    for (auto& shape : shapesOf(view.text(target))) takes.push_back({Take::Kind::kShape, std::move(shape), 0});
  }
  return takes;
}

double Synthesis::weightOf(const Program& program, const Example& example, const View& view) const {
  double weight = 1;
  switch (program.start.kind) {
    case Start::Kind::kPhrase: {
      const auto places = startsOf(view, program.start);
      weight *= program.start.text.size() < 4 ? 0.5 : 1;
      weight *= places.size() == 1 ? 1.3 : 1.0 / std::sqrt(static_cast<double>(std::max<size_t>(1, places.size())));
      double away = 1e9;
      for (const auto& t : example.targets) {
        for (const auto& at : places) {
          if (at.page != t.page) continue;
          const double dy = std::abs(at.box.centerY() - t.box.centerY()) / std::max(1, t.box.height());
          const double dx =
              std::max({0, at.box.x0 - t.box.x1, t.box.x0 - at.box.x1}) / (8.0 * std::max(1, t.box.height()));
          away = std::min(away, dx + dy);
        }
      }
      weight *= 0.2 + std::exp(-away / kFarRows);
      break;
    }
    case Start::Kind::kTyped:
      weight *= program.moves.empty() ? 0.5 : 0.15;
      break;
    case Start::Kind::kRow:
      weight *= program.start.index >= 0 ? 0.5 : 0.35;
      break;
    case Start::Kind::kPlace:
      weight *= 0.4;
  }
  weight *= std::pow(0.8, static_cast<double>(program.moves.size()));
  const bool typed = program.take.kind == Take::Kind::kTyped || program.take.kind == Take::Kind::kLast;
  return weight * (typed ? 1.2 : program.take.kind == Take::Kind::kWord ? 0.6 : 1.0);
}

bool Synthesis::serves(const Case& one, const Program& program) const {
  const auto found = runProgram(one.view, program);
  if (!found) return false;
  return std::find(one.wanted.begin(), one.wanted.end(), essence(found->text)) != one.wanted.end();
}

void Synthesis::follow(const View& view, const Example& example, const Start& start, const std::vector<Take>& takes) {
  const auto spans = startsOf(view, start);
  if (spans.empty()) return;
  constexpr Move kAll[] = {Move::kRight, Move::kLeft, Move::kBelow, Move::kAbove, Move::kRow, Move::kBlock};
  std::vector<std::vector<Move>> ways = {{}};
  if (start.kind != Start::Kind::kPlace) {
    for (const Move a : kAll) {
      ways.push_back({a});
      for (const Move b : kAll) ways.push_back({a, b});
    }
  }
  for (const auto& way : ways) {
    Span at = spans.front();
    for (const Move move : way) at = moved(view, at, move);
    const bool reaches = std::any_of(example.targets.begin(), example.targets.end(), [&](const Span& t) {
      return at.page == t.page && std::all_of(t.words.begin(), t.words.end(), [&](int w) {
               return std::find(at.words.begin(), at.words.end(), w) != at.words.end();
             });
    });
    if (!reaches) continue;
    for (const Take& take : takes) {
      const auto found = taken(view, at, take);
      const bool wanted = found && std::any_of(example.targets.begin(), example.targets.end(), [&](const Span& t) {
                            return essence(view.text(t)) == essence(found->text);
                          });
      if (!wanted) continue;
      Program program{start, way, take};
      const double weight = weightOf(program, example, view);
      found_.push_back({std::move(program), weight});
    }
  }
}

void Synthesis::candidatesOf(const Example& example, const View& view) {
  const auto takes = takesFor(example, view);
  for (const Start& start : startsFor(example, view)) follow(view, example, start, takes);
}

std::vector<Weighted> Synthesis::programs() {
  for (const auto& one : cases_) {
    if (one.document == examples_[one.example].document) candidatesOf(examples_[one.example], one.view);
  }
  std::stable_sort(found_.begin(), found_.end(),
                   [](const Weighted& a, const Weighted& b) { return a.weight > b.weight; });
  std::vector<Weighted> kept;
  std::map<std::string, size_t> of_start;
  for (auto& candidate : found_) {
    if (kept.size() == kMostPrograms) break;
    const Program& p = candidate.program;
    const std::string start = programToText({p.start, {}, {}});
    const bool again = std::any_of(kept.begin(), kept.end(), [&](const Weighted& k) { return k.program == p; });
    if (again || of_start[start] >= kMostOfOneStart) continue;
    // What serves an example serves it and its disturbed copies.
    std::vector<bool> good(examples_.size(), true);
    for (const auto& one : cases_) {
      if (good[one.example]) good[one.example] = serves(one, p);
    }
    const auto served = static_cast<double>(std::count(good.begin(), good.end(), true));
    const double share = served / static_cast<double>(examples_.size());
    if (share <= 0.5) continue;
    ++of_start[start];
    candidate.weight *= share * share;
    kept.push_back(std::move(candidate));
  }
  std::stable_sort(kept.begin(), kept.end(), [](const Weighted& a, const Weighted& b) { return a.weight > b.weight; });
  return kept;
}

}  // namespace

std::vector<Span> placesOfText(const Document& document, const std::string& text) {
  const View view(document);
  const std::string want = essence(text);
  std::vector<Span> exact, close;
  if (want.empty()) return exact;
  for (int p = 0; p < view.pages(); ++p) {
    // Over line ends too: the words of a page in reading order.
    const auto& words = view.page(p).words;
    for (size_t at = 0; at < words.size(); ++at) {
      std::string got;
      std::vector<int> run;
      for (size_t i = at; i < words.size() && got.size() <= want.size(); ++i) {
        const std::string piece = essence(words[i].text);
        if (piece.empty() && run.empty()) break;
        got += piece;
        run.push_back(static_cast<int>(i));
        if (got == want) {
          exact.push_back(view.spanOf(p, run));
          break;
        }
        if (want.size() >= 6 && got.size() + 1 >= want.size() && likeness(got, want) >= 1 - 1.0 / 8)
          close.push_back(view.spanOf(p, run));
      }
    }
  }
  return exact.empty() ? close : exact;
}

Span placeOfBox(const Document& document, int page, const Box& box) {
  const View view(document);
  for (int p = 0; p < view.pages(); ++p) {
    if (view.page(p).number != page) continue;
    std::vector<int> words;
    for (const auto& row : view.rows(p)) {
      for (const auto& segment : row.segments) {
        for (const int w : segment.words) {
          const Box& at = view.page(p).words[static_cast<size_t>(w)].box;
          const bool inside =
              at.centerX() >= box.x0 && at.centerX() < box.x1 && at.centerY() >= box.y0 && at.centerY() < box.y1;
          if (inside) words.push_back(w);
        }
      }
    }
    return view.spanOf(p, std::move(words));
  }
  return {};
}

std::vector<Weighted> synthesise(const std::vector<Example>& examples) { return Synthesis(examples).programs(); }

std::optional<Elected> vote(const View& view, const std::vector<Weighted>& programs) {
  std::map<std::string, std::pair<double, Finding>> votes;
  double all = 0;
  for (const auto& [program, weight] : programs) {
    all += weight;
    auto found = runProgram(view, program);
    if (!found) continue;
    const auto [at, fresh] = votes.try_emplace(essence(found->text), 0, *found);
    at->second.first += weight;
  }
  const auto best = std::max_element(votes.begin(), votes.end(),
                                     [](const auto& a, const auto& b) { return a.second.first < b.second.first; });
  if (best == votes.end() || best->second.first < kLeastShare * all) return std::nullopt;
  return Elected{best->second.second, best->second.first / all};
}

}  // namespace lectern::reader
