#pragma once
// Misread words of English pages put right: what is no word, and one look-alike letter away from one, is that word.

#include <string>

#include "reader/page/page.h"

namespace lectern::reader {

/// The word that a reading of `shortest` letters or more can only be; the reading itself when it is a word or may be several.
/// Keeps capitals and whatever stands around the letters. `confidence` is recognition's, 0..1: short words and less likely
/// confusions are only mended where it was not sure.
std::string mendedWord(const std::string& reading, float confidence, size_t shortest = 4);

/// Share of the page's longer words that are English, 0..1; 0 when it has too few to tell.
double englishShare(const Page& page);

/// Mends the words of an English page, and the texts of its lines and blocks. Words of a PDF's text layer stay as they
/// are.
void mendWords(Page& page);

}  // namespace lectern::reader
