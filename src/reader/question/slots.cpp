#include "reader/question/slots.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "reader/question/lexicon.h"

namespace lectern::reader {

namespace {

constexpr char kAmount[] = "(\\d{1,3}(?:[,.' ]?\\d{3})*[.,]\\d{2})(?:[^0-9]|$)";
constexpr char kTime[] =
    "(?:^|[^0-9:.])([012]?\\d[:.][0-5]\\d(?:[:.][0-5]\\d)? ?(?:[AaPp]\\.?[Mm]\\b\\.?)?)(?:[^0-9:.]|$)";
constexpr char kClock[] = "(?:^|[^0-9:])([012]?\\d:[0-5]\\d(?::[0-5]\\d)? ?(?:[AaPp]\\.?[Mm]\\b\\.?)?)(?:[^0-9:]|$)";
constexpr char kCode[] =
    "(?:^|[^0-9A-Za-z])((?:[A-Z]{2} ?)?\\d{2,3}(?: \\d{2,4}){2,}|"
    "[A-Z]{0,3}-?\\d[0-9A-Z./-]{3,}[0-9A-Z])(?:[^0-9A-Za-z]|$)";
constexpr char kDate[] =
    "(?:^|[^0-9])(\\d{4}-\\d{2}-\\d{2}|\\d{1,2}[./-]\\d{1,2}[./-](?:\\d{4}|\\d{2})|"
    "\\d{1,2}\\.? [A-Za-zäéû]{3,9}\\.? \\d{4}|"
    "[A-Za-zäéû]{3,9} \\d{1,2},? \\d{4})(?:[^0-9]|$)";
constexpr char kOrder[] = "(?:^|[^0-9A-Za-z])([A-Z]{0,5}[-/#]?\\d[0-9A-Za-z/-]+)(?:[^0-9A-Za-z]|$)";
constexpr char kCount[] = "(?:^|[^0-9.,])(\\d{1,4})(?:[^0-9.,]|$)";
constexpr char kPercent[] = "(\\d{1,2}(?:[.,]\\d{1,2})? ?%)";
constexpr char kCard[] =
    "(?i)\\b(visa|master ?card|amex|american express|debit(?: card)?|credit card|bank ?card|mydebit|cash|tunai|"
    "paypal|bank transfer|lastschrift|überweisung|barzahlung|carte bancaire|espèces)\\b";

/// A label, as a pattern over the lower-case text of a line, and the shape of its value in the rest of the row. An
/// empty label: any line.
struct RowSlot {
  const char* question;  // over plain text
  const char* label;
  const char* no_label;
  const char* value;
  bool before = false;  // the value may also stand before the label in its line
};

constexpr std::array kRows = {
    RowSlot{"\\bcash\\b.*\\b(?:given|paid|tendered|received|handed)|how much cash|amount tendered|tendered|in cash$",
            "\\bcash\\b|tender|tunai|\\bbar\\b|gegeben|espèces",
            "change|cashier|cash ?(?:bill|sale|memo|invoice)|rückgeld", kAmount},
    RowSlot{"\\bchange\\b|(?:get|got|given|paid|money) back|returned in cash|rückgeld|wechselgeld",
            "change|\\bbaki\\b|rückgeld|wechselgeld|zurück|rendu", "exchange|changes", kAmount},
    RowSlot{"\\brounding\\b|rounded by", "rounding|rounded? adj", "total|amount", kAmount},
    RowSlot{"\\b(?:what|which) time\\b|time of (?:day|purchase|the)|\\bat what hour|uhrzeit",
            "\\btime\\b|uhrzeit|heure", "", kTime},
    RowSlot{"\\b(?:what|which) time\\b|time of (?:day|purchase|the)|\\bat what hour|uhrzeit", "",
            "hours|open|daily|mon|sat|until|between", kClock},
    RowSlot{"\\b(?:gst|vat|sst|tax|ust)\\b.*\\b(?:id|identification|number|no|reg(?:istration)?)\\b|steuernummer",
            "(?:gst|sst|vat|\\btax|ust|mwst|tva|btw)[ ./-]*(?:id|reg|no|nr|number|ident)|steuer-? ?n|gst ?:",
            "invoice", kCode},
    RowSlot{"(?:company|business|co) (?:registration |reg )?(?:number|no)\\b|registration (?:number|no)\\b|\\breg no",
            "(?:\\bco(?:mpany|\\.)? ?\\.?(?:reg[a-z.]*)? ?\\.?(?:no|nr|number))|\\broc\\b|"
            "reg(?:istration|\\.)? ?(?:no|nr|number)",
            "gst|tax|vat", kCode},
    RowSlot{"\\bfax\\b", "\\b(?:tele)?fax", "", "([+(]?\\d[\\d ()/.+-]{5,}\\d)"},
    RowSlot{"(?:how many|number of) (?:items|articles|pieces|things)|item count",
            "item.{0,4}count|(?:no\\.?|number) of items?|total (?:qty|quantity|item)|items? ?:|qty ?:", "", kCount},
    RowSlot{"\\b(?:tax|vat|gst) (?:rate|percent\\w*)|percent\\w* of (?:tax|vat)|steuersatz",
            "\\bgst\\b|\\bvat\\b|\\btax\\b|mwst|\\bust\\b|tva|btw", "", kPercent, true},
    RowSlot{"delivery date|date of delivery|when .*\\bdelivered\\b|lieferdatum",
            "date of delivery|delivery date|lieferdatum|leistungsdatum|date de livraison", "", kDate},
    RowSlot{"\\border (?:number|no|id)\\b|number of the order|bestellnummer",
            "(?:your|purchase) order|order ?(?:no|nr|number|#)|bestell-?(?:nr|nummer)|auftrags?-?(?:nr|nummer)", "",
            kOrder},
    RowSlot{"how (?:was|were|did|is) .*\\b(?:pay|paid|settled)\\b|payment (?:method|type|means)|"
            "means of payment|pa(?:id|y) (?:with|by)\\b",
            "", "cashier|cash ?(?:bill|sale|memo|change|invoice|back)|change", kCard},
};

/// Names under which a form or letter carries what the question asks for.
struct KeySlot {
  const char* question;
  const char* keys;  // separated by |
  bool own = false;  // no field of receipts and invoices is meant, and the answer is a name
};

constexpr std::array kKeys = {
    KeySlot{"\\bwho\\b.*\\b(?:sent|wrote|from)\\b|from whom|\\bsender\\b", "from|sender|sent by|absender|von"},
    KeySlot{"to whom|\\bwho\\b.*\\b(?:to|addressed|receives?|received)\\b|recipient|addressee",
            "to|recipient|addressee|attn|attention|an|empfänger"},
    KeySlot{"\\bwhen\\b.*\\b(?:sent|written|faxed|filled|made|signed|submitted)|which date|\\bdated\\b|"
            "what is the date|^date$",
            "date|dated|date sent|datum"},
    KeySlot{"what .*\\babout\\b|\\bsubject\\b|regarding|betreff", "subject|re|regarding|betreff|betr|objet"},
    KeySlot{"\\bfax\\b", "fax|fax number|fax no|telefax"},
    KeySlot{"\\b(?:tele)?phone\\b",
            "phone|phone number|telephone|telephone number|telephone no|phone no|tel|tel no|telefon"},
    KeySlot{"\\b(?:customer|client)\\b.*\\b(?:number|no|id)\\b|kundennummer",
            "customer number|customer no|customer id|customer|kundennummer|kundennr|kunden nr|client id|"
            "account number|account no"},
    KeySlot{"\\bwho\\b.*\\b(?:customer|client|buyer)\\b|billed to|bill to",
            "bill to|customer|client|buyer|sold to|kunde|käufer", true},
};

struct TextLine {
  std::string id, text, small;
  int page = 0;
  Box box;
};

Result<std::vector<TextLine>> linesOf(GuardedDatabase& db, const std::string& document) {
  TRY(const auto rows, db.query("SELECT id, text, page, x0, y0, x1, y1 FROM v_lines WHERE document = ? "
                                "ORDER BY page, y0, x0",
                                {document}));
  std::vector<TextLine> out;
  for (const auto& row : rows.rows) {
    TextLine line{row[0].value_or(""), row[1].value_or(""), "", 0, {}};
    line.small = line.text;
    for (char& c : line.small) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    const auto number = [&](size_t i) {
      return static_cast<int>(std::strtol(row[i].value_or("").c_str(), nullptr, 10));
    };
    line.page = number(2);
    line.box = {number(3), number(4), number(5), number(6)};
    out.push_back(std::move(line));
  }
  return out;
}

struct Hit {
  size_t line;
  std::string value;
};

bool matches(const std::string& text, const char* pattern) { return RE2::PartialMatch(text, pattern); }

/// The patterns of a slot, compiled once for all lines.
struct RowPatterns {
  explicit RowPatterns(const RowSlot& slot)
      : any(*slot.label == '\0'),
        before(slot.before),
        excludes(*slot.no_label != '\0'),
        label(std::string("(") + slot.label + ")"),
        no_label(slot.no_label),
        value(slot.value) {}
  bool any, before, excludes;
  RE2 label, no_label, value;
};

std::optional<std::string> valueIn(re2::StringPiece text, const RowPatterns& slot) {
  std::string value;
  if (!RE2::PartialMatch(text, slot.value, &value)) return std::nullopt;
  while (!value.empty() && value.back() == ' ') value.pop_back();
  return value;
}

/// The value behind the label in its own line, or in the nearest line of the same row.
std::optional<Hit> rowValue(const std::vector<TextLine>& lines, size_t at, const RowPatterns& slot) {
  const TextLine& label = lines[at];
  re2::StringPiece rest(label.text), small(label.small);
  if (!slot.any && !slot.before && RE2::FindAndConsume(&small, slot.label))
    rest = re2::StringPiece(label.text).substr(label.text.size() - small.size());
  if (auto value = valueIn(rest, slot)) return Hit{at, *value};
  if (slot.any) return std::nullopt;
  std::optional<Hit> best;
  for (size_t i = 0; i < lines.size(); ++i) {
    const TextLine& line = lines[i];
    if (i == at || line.page != label.page || line.box.x0 < label.box.centerX()) continue;
    if (verticalOverlap(label.box, line.box) < 0.5 || (best && line.box.x0 >= lines[best->line].box.x0)) continue;
    if (auto value = valueIn(line.text, slot)) best = Hit{i, *value};
  }
  return best;
}

Lookup inRow(GuardedDatabase& db, const std::string& document, const std::vector<TextLine>& lines, const RowSlot& of) {
  const RowPatterns slot(of);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!slot.any && !RE2::PartialMatch(lines[i].small, slot.label)) continue;
    if (slot.excludes && RE2::PartialMatch(lines[i].small, slot.no_label)) continue;
    const auto hit = rowValue(lines, i, slot);
    if (!hit) continue;
    TRY(const auto rows,
        db.query("SELECT l.text AS answer, '' AS normalized, 0.6 AS confidence, e.x0, e.y0, e.x1, e.y1, e.id AS "
                 "entity, p.no AS page, d.name AS document FROM line l JOIN entity e ON e.id = l.id JOIN page p ON "
                 "p.id = e.page_id JOIN document d ON d.id = p.document_id WHERE d.name = ? AND l.id = CAST(? AS "
                 "INTEGER)",
                 {document, lines[hit->line].id}));
    if (rows.rows.empty()) continue;
    Found found = foundFrom(rows, 0);
    found.answer.answer = hit->value;
    return found;
  }
  return std::nullopt;
}

/// "Who approved it?" is what stands under "Approved by".
std::string doneBy(const std::string& plain) {
  static const RE2 pattern("^who (?:has |had )?([a-z]{3,}(?:ed|ten|nt))(?: (?:it|this|the [a-z]+))?$");
  std::string verb;
  return RE2::PartialMatch(plain, pattern, &verb) ? verb + " by" : "";
}

Lookup underKeys(GuardedDatabase& db, const std::string& document, const std::string& keys) {
  for (size_t from = 0; from < keys.size();) {
    const size_t to = std::min(keys.find('|', from), keys.size());
    TRY(auto found, byKey(db, document, keys.substr(from, to - from), 0.86));
    if (found) return found;
    from = to + 1;
  }
  return std::nullopt;
}

}  // namespace

Result<SlotAnswer> bySlot(GuardedDatabase& db, const std::string& document, const std::string& plain) {
  SlotAnswer answer;
  std::vector<TextLine> lines;
  for (const auto& slot : kRows) {
    if (!matches(plain, slot.question)) continue;
    answer.meant = true;
    if (lines.empty()) {
      TRY(lines, linesOf(db, document));
    }
    TRY(answer.found, inRow(db, document, lines, slot));
    if (answer.found) return answer;
  }
  for (const auto& slot : kKeys) {
    if (!matches(plain, slot.question)) continue;
    answer.closed |= slot.own;
    TRY(answer.found, underKeys(db, document, slot.keys));
    static const RE2 name("[A-Za-z\\x{80}-\\x{24F}]{3}");
    const bool named = answer.found && RE2::PartialMatch(answer.found->answer.answer.value_or(""), name);
    if (slot.own && !named) answer.found.reset();
    if (answer.found) return answer;
  }
  if (const std::string key = doneBy(plain); !key.empty()) {
    TRY(answer.found, byKey(db, document, key, 0.86));
  }
  return answer;
}

}  // namespace lectern::reader
