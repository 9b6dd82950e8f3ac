#include <algorithm>
#include <array>
#include <cmath>

#include "reader/relations/labels.h"
#include "reader/relations/relations.h"
#include "reader/relations/scene.h"

namespace lectern::reader {

namespace {

/// Counts over the first pages from which the type is decided.
struct Features {
  double words = 0, rows = 0;
  double chars_per_width = 0;  // how many characters of the usual size the page is wide
  double aspect = 1;           // height by width
  double prose = 0;            // share of rows with a long line of letters
  double amounts = 0;          // per row
  double colons = 0;           // labels with a colon, per row
  double table_share = 0;      // of the text area
  double figures = 0;          // share of table cells that hold figures
  double fill = 0;             // share of table places that hold text
  double colons_per_word = 0;
  double tight = 0;  // how much of the picture's width and height the text takes, the smaller of both
  int tables = 0;
  int receipt = 0, invoice = 0, letter = 0, form = 0;
  double paired = 0;  // share of words in pairs of a sure label (colon, line to fill in) and its value
  double hand = 0;
};

int countMatches(const std::string& text, const RE2& re) {
  int n = 0;
  re2::StringPiece rest(text);
  while (n < 60 && RE2::FindAndConsume(&rest, re)) ++n;
  return n;
}

Features featuresOf(const Page& page) {
  Features f;
  const Scene scene(page);
  f.words = static_cast<double>(page.words.size());
  f.rows = static_cast<double>(scene.rows.size());
  f.aspect = page.width > 0 ? static_cast<double>(page.height) / page.width : 1;
  Box text_area;
  std::string all;
  double amounts = 0, prose = 0, colons = 0, hand = 0, chars = 0, widths = 0;
  for (const auto& w : page.words) {
    text_area = unite(text_area, w.box);
    hand += w.writing == Writing::kHand ? 1 : 0;
    chars += static_cast<double>(w.text.size());
    widths += w.box.width();
  }
  for (const auto& row : scene.rows) {
    all += row.small + "\n";
    for (const int v : row.values) amounts += isAmount(page.values[static_cast<size_t>(v)]) ? 1 : 0;
    for (const auto& s : row.segments) {
      const std::string text = textOf(page, s.words);
      if (s.words.size() >= 7 && !looksNumeric(text)) {
        prose += 1;
        break;
      }
    }
    colons += static_cast<double>(std::count(row.text.begin(), row.text.end(), ':'));
  }
  if (chars > 0 && widths > 0) f.chars_per_width = text_area.width() / (widths / chars);
  f.prose = prose / std::max(1.0, f.rows);
  f.amounts = amounts / std::max(1.0, f.rows);
  f.colons = colons / std::max(1.0, f.rows);
  f.hand = hand / std::max(1.0, f.words);
  double in_tables = 0, cells = 0, figures = 0, places = 0, ends = 0;
  for (const auto& t : page.tables) {
    places += t.rows * t.cols;
    for (const auto& c : t.cells) {
      in_tables += static_cast<double>(c.words.size());
      if (c.text.empty()) continue;
      cells += c.row_span * c.col_span;
      figures += looksNumeric(c.text) ? c.row_span * c.col_span : 0;
    }
  }
  for (const auto& kv : page.key_values) {
    if (!kv.section && kv.confidence > 0.5f && kv.value_words.size() <= 8)  // longer ones are prose
      f.paired += static_cast<double>(kv.key_words.size() + kv.value_words.size()) / std::max(1.0, f.words);
  }
  for (const auto& w : page.words) ends += w.text.ends_with(':') ? 1 : 0;
  f.tables = static_cast<int>(page.tables.size());
  f.table_share = in_tables / std::max(1.0, f.words);
  f.figures = figures / std::max(1.0, cells);
  f.fill = cells / std::max(1.0, places);
  f.colons_per_word = ends / std::max(1.0, f.words);
  f.tight = std::min(static_cast<double>(text_area.width()) / std::max(1, page.width),
                     static_cast<double>(text_area.height()) / std::max(1, page.height));
  f.receipt = countMatches(all, labels().receipt_words);
  f.invoice = countMatches(all, labels().invoice_words);
  f.letter = countMatches(all, labels().letter_words);
  f.form = countMatches(all, labels().form_words);
  return f;
}

struct Scored {
  const char* type;
  double score;
};

double cap(double v, double most) { return std::min(v, most); }

/// A narrow strip of print with amounts is a receipt; a sheet with the words of trade an invoice; a sheet of labels a
/// form; and so on. Weights are hand-set and small in number, so that they carry over to documents not seen.
std::array<Scored, 7> scores(const Features& f) {
  const double narrow = std::clamp((62 - f.chars_per_width) / 20, -1.0, 1.0);
  const double sheet = f.aspect > 0.6 && f.aspect < 1.6 ? 1 : 0;
  const double has_invoice = cap(f.invoice, 6);
  // Tables of figures, or without holes, are tables; what else falls into columns is a form filled in.
  const double quality = f.tables == 0 ? 0
                                       : std::max(std::clamp((f.figures - 0.25) / 0.15, 0.0, 1.0),
                                                  std::clamp((f.fill - 0.85) / 0.12, 0.0, 0.5));
  const double labels = std::clamp((f.colons_per_word - 0.012) / 0.05, 0.0, 1.0);
  const double filled = std::clamp((f.paired - 0.1) / 0.25, 0.0, 1.0) * (1 - 0.5 * quality);
  const bool cropped = f.tight > 0.82 && f.table_share > 0.8 && (f.figures > 0.35 || f.tight > 0.92) && labels < 0.5 &&
                       filled < 0.5;
  return {{
      {"receipt",
       0.45 * cap(f.receipt, 10) + 2.2 * narrow + 3 * cap(f.amounts, 0.6) - 2 * f.prose - 0.2 * has_invoice},
      {"invoice", 1.1 * has_invoice - 1.6 * narrow + 2 * cap(f.amounts, 0.6) - 1.5 * f.prose + 0.5 * sheet - 0.5},
      {"form", 0.2 * cap(f.form, 10) + 1.8 * labels + 1.8 * filled * (1 - has_invoice / 6) + 2 * f.hand -
                   3 * cap(f.amounts, 0.4) - 0.9 * has_invoice + 1.2 * (1 - quality) + 0.5 - 1.0 * f.prose},
      {"letter", 1.6 * cap(f.letter, 3) + 1.5 * f.prose - 1.5},
      {"table_page", (f.tables > 0 ? 0.8 : -1) + 2.4 * quality + 1.0 * f.table_share * quality + 0.5 * (1 - narrow) +
                         1.0 * f.prose - 0.5 * has_invoice - 1.5 * labels - 1.8 * filled - (f.receipt > 5 ? 1 : 0)},
      {"table_image", cropped ? 6.0 - 3 * f.prose - 0.5 * cap(f.receipt, 6) - 0.7 * has_invoice : -2},
      {"article", 4.6 * f.prose - 2 * f.table_share - 0.3 * has_invoice - 2 * cap(f.colons, 0.3) - quality},
  }};
}

}  // namespace

void classify(Document& document) {
  document.type.clear();
  document.type_confidence = 0;
  std::array<double, 7> sum{};
  std::array<Scored, 7> last{};
  double weight = 0;
  size_t pages = 0;
  for (const auto& page : document.pages) {
    if (page.words.empty() || pages == 3) continue;
    const double w = pages == 0 ? 1 : 0.4;  // the first page shows best what a document is
    ++pages;
    last = scores(featuresOf(page));
    for (size_t i = 0; i < last.size(); ++i) sum[i] += w * last[i].score;
    weight += w;
  }
  if (weight == 0) return;
  size_t best = 0;
  for (size_t i = 1; i < sum.size(); ++i) {
    if (sum[i] > sum[best]) best = i;
  }
  double total = 0;
  for (const double s : sum) total += std::exp((s - sum[best]) / weight);
  document.type = last[best].type;
  document.type_confidence = static_cast<float>(std::round(1000 / total) / 1000);
}

}  // namespace lectern::reader
