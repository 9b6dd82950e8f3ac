#pragma once
// Turns, straightens and cleans a page where a measurement of the page says so; most pages stay as they are.

#include <optional>

#include "reader/page/image.h"

namespace lectern::reader {

/// What a page looks like, from a copy of it of less than a megapixel.
struct PageLook {
  int letters = 0;           // connected components that may be letters; 0 on a blank page
  bool dark = false;         // light text on a dark page
  bool sideways = false;     // lines of text run from top to bottom or from bottom to top
  double skew_degrees = 0;   // by which lines rise or fall: positive when the page lies turned clockwise
  int ground = 255;          // grey of the paper, of dark pages after they were inverted
  int ink = 0;               // grey of letters
  double ground_spread = 0;  // grey levels between the paper's lightest and darkest parts
  double specks = 0;         // share of pixels that are dirt
};

PageLook lookAt(const Image& page, bool known_sideways = false);

/// What was done to a page, for the way back.
struct Prepared {
  std::optional<Image> image;  // nothing when the page stays as it is
  int quarters = 0;            // turns of 90 degrees clockwise
  double straightened_degrees = 0;  // counter-clockwise, about the page's centre, after the quarter turns
};

/// Lines of a sideways page run from left to right afterwards, though they may stand on their heads: what is up only
/// reading can tell. `known_sideways`: so says who has seen the lines themselves.
Prepared prepare(const Image& page, bool known_sideways = false);

/// Turned by quarters of a circle, clockwise; `rotation` counts them.
Image turned(const Image& page, int quarters);

/// Without dark specks that stand alone on the paper; strokes stay as they are.
Image despeckled(const Image& page);

/// Turned counter-clockwise about its centre; the corners that come in have the given grey.
Image straightened(const Image& page, double degrees, int ground);

}  // namespace lectern::reader
