#include <algorithm>

#include "reader/relations/relations.h"

namespace lectern::reader {

void findKeyValues(Page& page) { page.key_values.clear(); }

}  // namespace lectern::reader
