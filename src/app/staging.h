#pragma once
// Outputs of one document on their way: written aside, then put into place together.

#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace lectern::app {

class Staging {
 public:
  /// An empty folder inside `out`, of this document and this run alone: another run may write to `out` meanwhile.
  static Result<Staging> create(const std::filesystem::path& out, const std::string& name);
  /// Removes what runs that were killed left in `out`.
  static void removeLeftovers(const std::filesystem::path& out);
  Staging(Staging&& other) noexcept;
  /// Removes what was not committed.
  ~Staging();

  const std::filesystem::path& folder() const { return folder_; }
  /// Renames the files, all of which are in folder(), into `out`, in their order.
  Result<void> commit(const std::vector<std::filesystem::path>& files);

 private:
  Staging(std::filesystem::path out, std::filesystem::path folder, Fd lock)
      : out_(std::move(out)), folder_(std::move(folder)), lock_(std::move(lock)) {}

  std::filesystem::path out_, folder_;
  Fd lock_;  // of the folder: held as long as its run lives
};

}  // namespace lectern::app
