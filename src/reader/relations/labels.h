#pragma once
// Words of trade by which receipts and invoices name their fields (English, German, French, Dutch, Spanish, Italian,
// Malay), as patterns over lower-case text.

#include <re2/re2.h>

#include <string>

namespace lectern::reader {

struct Labels {
  RE2 date, other_date, due_date;
  RE2 invoice_number, invoice_title, order_number, customer_number;
  RE2 grand_total, plain_total, weak_total, no_total;
  RE2 cash, change, tax, net, rounding;
  RE2 legal_form, trade, not_company;
  RE2 address, address_end, postcode;
  RE2 credit_note, seller;
  RE2 receipt_words, invoice_words, letter_words, form_words;
};

/// Compiled once.
const Labels& labels();

inline bool has(const std::string& text, const RE2& pattern) { return RE2::PartialMatch(text, pattern); }

}  // namespace lectern::reader
