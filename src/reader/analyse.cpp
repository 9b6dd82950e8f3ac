#include "reader/analyse.h"

#include "reader/tables/rules.h"
#include "reader/tables/tables.h"

namespace lectern::reader {

void analysePage(Page& page, const Image& image) {
  if (!image.empty()) findRules(page, image);
  findTables(page);
}

void finishDocument(Document& document) { assignIds(document); }

}  // namespace lectern::reader
