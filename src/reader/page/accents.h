#pragma once
#include <string>

#include "reader/page/page.h"

namespace lectern::reader {

/// True when hardly a word of the page carries an accent: those that do are misread.
bool writtenWithoutAccents(const Page& page);
/// Latin letters without their accents: "Şeksyen" is "Seksyen".
std::string withoutAccents(const std::string& text);

}  // namespace lectern::reader
