#pragma once
// Memory as files that other processes can map: on a file system of its own in 2 MB pages where the machine allows (root),
// else as sealed anonymous files in pages of the system's choice.

#include <filesystem>

#include "base/files.h"
#include "model/store/manifest.h"

namespace lectern::model {

class WeightFiles {
 public:
  /// `limit` bounds the file system where there is one.
  static WeightFiles create(Bytes limit);
  /// A file's bytes in memory, as a read-only descriptor. kCorrupt when size or checksum are not the manifest's.
  Result<Fd> load(const std::filesystem::path& path, const StoredFile& expected) const;
  bool hugePages() const { return mount_.valid(); }

 private:
  Fd mount_;  // of a tmpfs that is attached nowhere and goes with the last descriptor or mapping
};

}  // namespace lectern::model
