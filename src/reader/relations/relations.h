#pragma once
// Meaning beyond single values. All of it reads words, lines, values and tables of the pages and is deterministic.

#include "reader/page/page.h"

namespace lectern::reader {

/// Fills page.key_values: labels with what stands to their right or below.
void findKeyValues(Page& page);

/// Fills page.relations between lines, blocks, tables and frames (needs ids): the nearest neighbours to the right,
/// left, above and below, same_line, same_column, inside, aligned_left, next_in_reading_order, header_of, caption_of.
void findRelations(Page& page);

/// Sets document.type and its confidence: receipt, invoice, form, letter, table_page, table_image, article, chart.
void classify(Document& document);

/// Fills document.fields for receipts and invoices (company, date, address, total, tax, invoice_number, amount,
/// currency, ...). Needs the type.
void findFields(Document& document);

}  // namespace lectern::reader
