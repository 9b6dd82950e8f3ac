#pragma once
// Outputs of one document on their way: written aside, then put into place together.

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace lectern::app {

class Staging {
 public:
  /// An empty folder inside `out`, of this document alone. What an interrupted run left there is removed.
  static Result<Staging> create(const std::filesystem::path& out, const std::string& name);
  Staging(Staging&& other) noexcept;
  /// Removes what was not committed.
  ~Staging();

  const std::filesystem::path& folder() const { return folder_; }
  /// Renames the files, all of which are in folder(), into `out`, in their order.
  Result<void> commit(const std::vector<std::filesystem::path>& files);

 private:
  Staging(std::filesystem::path out, std::filesystem::path folder)
      : out_(std::move(out)), folder_(std::move(folder)) {}

  std::filesystem::path out_, folder_;
};

}  // namespace lectern::app
