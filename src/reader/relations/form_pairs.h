#pragma once
// Pairs of label and value that need the drawn boxes or the columns of a form.

#include <vector>

#include "reader/page/page.h"
#include "reader/relations/form_pieces.h"

namespace lectern::reader {

/// A small label in the upper left corner of a drawn box, the value below it in the same box.
void boxedLabels(FormPage& form, std::vector<KeyValue>& out);

/// "cc:" and its like with every name of the list beside or below it.
void listLabels(FormPage& form, std::vector<KeyValue>& out);

/// Headings of columns with every entry below them, and captions below a line with what is written on it.
void columnLabels(FormPage& form, std::vector<KeyValue>& out);

/// Headings of groups of labels, as pairs of heading and label (KeyValue::section). Needs all other pairs.
void sectionLabels(FormPage& form, std::vector<KeyValue>& out);

}  // namespace lectern::reader
