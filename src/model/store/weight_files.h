#pragma once
// Memory as files that other processes can map: on a file system of its own in 2 MB pages where the machine allows (root),
// else as sealed anonymous files in pages of the system's choice.

#include <string>

#include "base/files.h"
#include "base/result.h"
#include "base/units.h"

namespace lectern::model {

class WeightFiles {
 public:
  /// `limit` bounds the file system where there is one. `populate` false: as before Linux 5.14, which cannot take pages
  /// ahead through a mapping.
  static WeightFiles create(Bytes limit, bool populate = true);

  struct Loaded {
    Fd file;  // read-only
    std::string sha256;
  };
  /// The first `size` bytes of an open file in memory. kCorrupt when it has fewer, kNoSpace or another code when there is
  /// no memory.
  Result<Loaded> load(int from, int64_t size) const;
  bool hugePages() const { return mount_.valid(); }

 private:
  Fd mount_;  // of a tmpfs that is attached nowhere and goes with the last descriptor or mapping
  bool populate_ = true;
};

}  // namespace lectern::model
