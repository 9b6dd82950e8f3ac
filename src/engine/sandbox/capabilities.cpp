#include "engine/sandbox/capabilities.h"

namespace lectern::sandbox {

const char* isolationName(Isolation isolation) {
  switch (isolation) {
    case Isolation::kFull:
      return "full";
    case Isolation::kDegraded:
      return "degraded";
    case Isolation::kNone:
      return "none";
  }
  return "none";
}

}  // namespace lectern::sandbox
