#include "reader/relations/labels.h"

namespace lectern::reader {

namespace {

constexpr char kDate[] = "\\bdate|\\bdatum|tarikh|rechnungsdatum|belegdatum|fecha|\\bdata\\b|\\bdt\\b|d[ao]te ?:";
constexpr char kOtherDate[] =
    "expir|valid|liefer|leistung|deliver|birth|f[äa]llig|\\bdue\\b|échéance|closed|ship|period|zeitraum|"
    "order date|bestell|start|end date|check ?in|check ?out|zahlbar|prélèvement|mandat|livraison|"
    "limite|fin de|jusqu|until|bis zum|check";
constexpr char kDueDate[] =
    "due date|payment due|date due|f[äa]llig|échéance|vervaldatum|zahlbar bis|pay by|"
    "limite de paiement|until";
constexpr char kInvoiceNumber[] =
    "(?:tax )?invoice ?(?:no|num|nr|id|#|n°|:)|\\binv(?:oice)?[. ]{0,2}(?:no|nr|#)|"
    "rechnungs? ?-? ?(?:nummer|nr|no)|rechnung (?:nr|no|#)|rechnung:|belegnummer|beleg-?nr|"
    "gutschrift(?:s|en)? ?-? ?(?:nummer|nr)|facture ?(?:n[°o2º.]|num|:)|n[°oº] ?(?:de )?facture|"
    "numéro de (?:la )?facture|avoir ?(?:n[°oº.]|:)|factuur ?(?:nummer|nr)|factura ?(?:n|:)|fattura ?n|"
    "(?:bill|receipt|document|doc|cb|slip|trans|bil|credit note)[. ]{0,2}(?:no|num|nr|#)|bill ?#|"
    "receipt ?#|invoice ?$|versicherungsscheinnummer|"
    "invoice number";
constexpr char kInvoiceTitle[] =
    "(?:invoice|rechnung|facture|avoir|gutschrift|credit note|factuur|factura|fattura|quittung)"
    "(?:skorrektur)?\\)?(?: ?\\(\\d{1,4}\\))?(?: ?(?:nr|no|n°|nº|num|#))?[ .:#]*";
constexpr char kCreditNote[] = "\\bavoir\\b|gutschrift|credit note|creditnota";
constexpr char kSeller[] =
    "verkäufer|lieferant\\b|seller|supplier|vendor|fournisseur|vendeur|\\bfrom:|rechnungssteller";
constexpr char kOrderNumber[] = "order|bestell|auftrag|commande|purchase|\\bpo\\b";
constexpr char kCustomerNumber[] = "customer|kunden|client|klant|account";
constexpr char kGrandTotal[] =
    "grand ?total|gesamtbetrag|rechnungsbetrag|bruttobetrag|bruttosumme|gesamtsumme|endbetrag|endsumme|"
    "zahlbetrag|zu zahlen|total ?ttc|net (?:à|a) payer|montant (?:total )?ttc|te betalen|"
    "totaal ?(?:bedrag|incl)|amount ?(?:due|payable)|balance ?due|total ?(?:due|payable|amount|amt|incl|"
    "\\(?incl|rounded|after|sales? \\(?incl|inc\\b|round|rm\\b)|(?:round(?:ed|ing)?|final|bill|"
    "invoice) ?-?total|nett? ?amount|round[a-z:]* ?d? ?total|total ?\\(?(?:rm|myr|eur|usd)|"
    "jumlah ?(?:besar|perlu)|\\bfälliger betrag|betrag brutto|brutto ?gesamt|summe brutto|"
    "total \\(gst incl|"
    "due payable|somme à payer|solde à payer|rechnungsbei?trag|restbetrag|offener betrag|total facture|amount to "
    "pay|zahlbarer betrag|net to pay";
constexpr char kPlainTotal[] =
    "\\btotal|\\bt0tal|\\biotal|\\bgesamt\\b|\\bsumme\\b|\\btotaal\\b|\\bjumlah\\b|\\btotale\\b|"
    "\\bbrutto\\b|[a-z]?otal ?[:;]";
constexpr char kWeakTotal[] =
    "\\bamount\\b|\\bbetrag\\b|\\bmontant\\b|\\bdue\\b|\\bpay\\b|\\bnett?\\b|\\brounding\\b|to pay";
constexpr char kNoTotal[] =
    "sub ?-? ?total|zwischensumme|sous-?total|total ?(?:includ(?:es|ed)\\b|qty|quantity|item|disc|saving|gst|tax|vat|no\\b|"
    "point|excl|\\(?excl|net\\b|before|without|ht\\b|round(?:ing)? adj|gross sav)|excl|ohne|netto|"
    "nettobetrag|without|gst ?(?:pay|summ|amount)|tax ?(?:total|amount|summ)|mwst|ust\\b|qty|quantity|"
    "discount|rabatt|saving|item(?:s|\\(s\\))? ?[:;]?|\\bht\\b|hors taxe|adjust|points?\\b|summary|"
    "umsatzsteuer|steuerbetrag|subtot|deposit|"
    "total taxes|total ht|vat amou|\\bvat\\b|"
    "\\badj\\b";
constexpr char kCash[] =
    "\\bcash\\b|tender|\\bpaid\\b|payment|visa|master ?card|\\bcard\\b|amex|tunai|bar(?:zahlung)?\\b|"
    "paytype|received|debit|amount paid|^\\W*pay\\W";
constexpr char kChange[] = "change|\\bbaki\\b|rückgeld|wechselgeld|chg\\b|rendu";
constexpr char kTax[] =
    "\\bgst\\b|\\btax\\b|\\bvat\\b|\\bmwst|\\bust\\b|umsatzsteuer|\\btva\\b|\\bbtw\\b|\\biva\\b|"
    "\\bsst\\b|service tax";
constexpr char kNet[] =
    "netto|net ?amount|sub ?-?total|excl|hors taxe|\\bht\\b|zwischensumme|taxable|untaxed|before tax|"
    "nettobetrag";
constexpr char kRounding[] = "round";
constexpr char kLegalForm[] =
    "sdn\\.? ?,? ?bhd|\\bbhd\\b|\\bs/b\\b|\\bgmbh\\b|\\bltd\\b|\\blimited\\b|\\binc\\b|\\bllc\\b|"
    "\\bcorp\\b|\\bs\\.?a\\.?s?\\b|\\bb\\.?v\\.?\\b|\\bag\\b|\\bkg\\b|\\bplc\\b|\\bsarl\\b|"
    "\\be\\.? ?k\\.|\\bpte\\b|\\bpvt\\b|\\bplt\\b|\\bohg\\b|\\bs\\.?r\\.?l\\b|\\bn\\.?v\\.?\\b";
constexpr char kTrade[] =
    "enterprise|trading|restaurant|restoran|\\bmart\\b|market|store|\\bshop|cafe|café|kopitiam|bakery|"
    "pharmac|farmasi|hotel|perniagaan|hardware|electric|stationer|station|petrol|industr|services?\\b|"
    "company|\\bco\\b|supermarket|kitchen|food|book|gift|handel|verlag|hosting|group|bistro|catering|"
    "boutique|clinic|klinik|motor|auto|tyre|fashion|optic|salon|confection";
constexpr char kNotCompany[] =
    "\\btel\\b|tel:|\\bfax|phone|invoice|receipt|gst|\\bdate\\b|rechnung|facture|cashier|@|www|http|"
    "\\bno\\.? ?\\d|\\bjalan\\b|\\bjln\\b|\\blot\\b|\\btaman\\b|\\breg\\b|\\btable\\b|welcome|thank|"
    "order|copy|page \\d|^\\W*total\\b|\\btotal\\W*$|\\bqty\\b|company no|bill to|ship to|for staff|\\bautoroute\\b|"
    "\\bkawasan\\b|perindustrian|\\bposted\\b|\\bpaid\\b";
constexpr char kAddress[] =
    "\\bjalan\\b|\\bjln\\b|\\blot\\b|\\btaman\\b|\\btmn\\b|\\bno\\.? ?\\d|\\bstreet\\b|\\bst\\.|"
    "\\broad\\b|\\brd\\b|avenue|\\bave\\b|stra(?:ß|ss)e|str\\.|\\bweg\\b|\\bplatz\\b|\\brue\\b|"
    "\\bbandar\\b|\\bbdr\\b|\\bkampung\\b|\\bkg\\.|floor|\\bflr\\b|level|block|\\bblok\\b|plaza|"
    "\\bmall\\b|kompleks|complex|\\bunit\\b|persiaran|lorong|seksyen|section|selangor|johor|kuala lumpur|"
    "\\bkl\\b|building|highway|\\bbatu\\b|mukim|lebuh|kawasan|\\bpj\\b|city|centre|wisma|ground|bukit|"
    "\\bsuite\\b|\\bbox\\b|\\blrg\\b|\\bautoroute\\b|\\binds?\\. ?park|industrial (?:park|estate)";
constexpr char kAddressEnd[] =
    "\\btel|te1|\\bfax|phone|\\bgst\\b|gst |\\bgst|\\breg|\\bdate\\b|invoice|receipt|@|www|http|cashier|"
    "\\bco\\.? ?(?:no|reg)|hours|\\bhp\\b|h/p|hotline|\\btax\\b|\\bdoc|bill|\\btable\\b|website|e-?mail|"
    "roc\\b|company|order|\\bcash\\b|customer|welcome|operat|\\bsst\\b|\\bid\\b|member|open|description|"
    "counter|\\bpos\\b|takeaway|dine|guest|reservation|\\bqty\\b|mobile|\\btime\\b|\\bvat\\b|"
    "\\bnumber\\b|prepay|\\bcust\\b|\\bsite ?:? ?\\d{3}|whats ?app|\\binv\\b|\\bgs no";
constexpr char kPostcode[] = "\\b\\d{5}\\b";
constexpr char kReceiptWords[] =
    "\\bcash\\b|change|cashier|receipt|tax invoice|\\bqty\\b|rounding|thank you|gst summary|\\bgst\\b|"
    "please come|goods sold|tender|sdn|\\brm\\b|\\bitem";
constexpr char kInvoiceWords[] =
    "invoice|rechnung|facture|factuur|factura|fattura|gutschrift|avoir\\b|credit note|iban|ust-?id|mwst|"
    "zahlungsziel|payment terms|bill to|due date|steuernummer|kundennummer|customer number|lieferdatum|"
    "siret|btw";
constexpr char kLetterWords[] = "dear |sincerely|yours|regards|sehr geehrte|mit freundlichen|madame|monsieur";
constexpr char kFormWords[] =
    "signature|form|name:|address:|phone:|date:|please|check|complete|instructions|number:|approved|"
    "department|report|request|to:|from:|subject:|fax:|title:|type:|comments";

}  // namespace

const Labels& labels() {
  static const Labels all{
      .date = RE2(kDate),
      .other_date = RE2(kOtherDate),
      .due_date = RE2(kDueDate),
      .invoice_number = RE2(kInvoiceNumber),
      .invoice_title = RE2(kInvoiceTitle),
      .order_number = RE2(kOrderNumber),
      .customer_number = RE2(kCustomerNumber),
      .grand_total = RE2(kGrandTotal),
      .plain_total = RE2(kPlainTotal),
      .weak_total = RE2(kWeakTotal),
      .no_total = RE2(kNoTotal),
      .cash = RE2(kCash),
      .change = RE2(kChange),
      .tax = RE2(kTax),
      .net = RE2(kNet),
      .rounding = RE2(kRounding),
      .legal_form = RE2(kLegalForm),
      .trade = RE2(kTrade),
      .not_company = RE2(kNotCompany),
      .address = RE2(kAddress),
      .address_end = RE2(kAddressEnd),
      .postcode = RE2(kPostcode),
      .credit_note = RE2(kCreditNote),
      .seller = RE2(kSeller),
      .receipt_words = RE2(kReceiptWords),
      .invoice_words = RE2(kInvoiceWords),
      .letter_words = RE2(kLetterWords),
      .form_words = RE2(kFormWords),
  };
  return all;
}

}  // namespace lectern::reader
