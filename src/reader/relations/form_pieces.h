#pragma once
// A page as a form sees it: pieces of rows that are a label, a value or a heading, and the lines drawn to be written on.

#include <string>
#include <vector>

#include "reader/page/page.h"

namespace lectern::reader {

/// Words of one row that belong together. Indexes are into Page::words, Page::rules and FormPage::pieces; -1: none.
struct Piece {
  Box box;
  std::vector<int> words;
  std::string text;    // without leader dots and underscores
  bool colon = false;  // ends with a colon
  bool starts = false;  // parted from what stands left of it: by a colon, a ruled line, the start of a line to fill in
  int under = -1;       // the ruled line it stands on
  int fill = -1;        // the ruled line to fill in that begins where it ends
  int left = -1, right = -1;  // nearest pieces of the row
  bool walled = false;        // a drawn vertical line parts it from the piece to its left
  bool label = false;         // certainly names what stands beside or below it
  bool taken = false;         // belongs to a pair as its value
  bool key = false;           // belongs to a pair as its label
};

struct FormPage {
  const Page& page;
  double em = 10;  // median word height
  std::vector<Piece> pieces;
  std::vector<int> by_y;  // pieces by the middle of their height

  /// Pieces whose middle stands between the two heights, top to bottom.
  std::vector<int> between(double y0, double y1) const;
};

/// Cuts the detected lines after colons, at wide gaps, at vertical rules and where a line to fill in begins, joins
/// what stands close, and finds rows and fill lines. Pages with more than 4000 pieces (texture) give none.
FormPage formPage(const Page& page, double em);

bool sameRow(const Box& a, const Box& b);

/// Looks like a label: short, of letters, not a number, date or sentence.
bool labelLike(const std::string& text);
/// May stand at the head of a row of figures: more letters than digits, "25/YR".
bool namesRow(const Piece& p);
/// Labels of forms in general: name, date, address, telephone, signature, ...
bool formWord(const std::string& text);
/// Text without underscores and leader dots at its ends.
std::string withoutLeaders(const std::string& text);
/// "1." or "(a)" before a label is its number in the form, no part of its name.
void dropEnumerator(const Page& page, Piece& p);
/// Joins two pieces of one row, left to right.
void joinPieces(Piece& into, const Piece& next);

}  // namespace lectern::reader
