#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "reader/page/image.h"
#include "reader/page/page.h"

namespace lectern::reader {

/// Finds the lines of text of a page. Implementations are immutable after they are made and may be called from several
/// threads.
class Detector {
 public:
  virtual ~Detector() = default;
  /// Regions in page pixels, in a fixed order (top to bottom, then left to right).
  virtual Result<std::vector<TextRegion>> detect(const Image& page) const = 0;
  /// The model files, for the document's record.
  virtual std::vector<ModelUse> models() const = 0;
};

/// Sorts regions top to bottom, those of one row left to right: the order does not depend on how they were found.
void sortRegions(std::vector<TextRegion>& regions);

}  // namespace lectern::reader
