#pragma once
// Codes with check digits, addresses of the net and other strings that a pattern recognises.

#include <cstddef>
#include <string>
#include <vector>

#include "reader/page/page.h"

namespace lectern::reader {

struct CodeFound {
  size_t begin = 0;
  size_t end = 0;
  std::string semantic;  // iban, vat_id, ean, email, url, phone, ...
  std::string simple;    // alphanumeric_code, integer, word
  std::string normalized;
  Checksum checksum = Checksum::kNone;
  float confidence = 0;
};

/// Codes in a line of text, those with the best evidence first; they may overlap. A code that fails its check is
/// tried with single confusions of recognition (0 and O, 1 and I, ...); exactly one repair that passes is taken.
std::vector<CodeFound> findCodes(const std::string& text);

}  // namespace lectern::reader
