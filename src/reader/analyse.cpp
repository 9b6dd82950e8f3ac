#include "reader/analyse.h"

#include "reader/frame.h"
#include "reader/layout/roles.h"
#include "reader/relations/relations.h"
#include "reader/spelling/spelling.h"
#include "reader/tables/rules.h"
#include "reader/tables/tables.h"
#include "reader/values/values.h"

namespace lectern::reader {

void analysePage(Page& page, const Image& image) {
  mendWords(page);
  if (!image.empty()) findRules(page, image);
  findTables(page);
}

void finishDocument(Document& document) {
  const StraightFrame straight(document);
  const Conventions conventions = decideConventions(document);
  findRoles(document);
  for (auto& page : document.pages) {
    findSentences(page);
    findValues(page, conventions);
    findKeyValues(page);
  }
  assignIds(document);
  for (auto& page : document.pages) findRelations(page);
  classify(document);
  findFields(document);
}

}  // namespace lectern::reader
