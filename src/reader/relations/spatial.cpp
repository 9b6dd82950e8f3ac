#include "reader/relations/relations.h"

namespace lectern::reader {

void findRelations(Page& page) { page.relations.clear(); }

}  // namespace lectern::reader
