#include "app/staging.h"

#include <cerrno>
#include <cstdio>

namespace lectern::app {

namespace fs = std::filesystem;

Result<Staging> Staging::create(const fs::path& out, const std::string& name) {
  const fs::path folder = out / ".lectern" / (name + ".writing");
  std::error_code ec;
  fs::remove_all(folder, ec);
  fs::create_directories(folder, ec);
  if (ec) return failErrno("create the folder " + folder.string(), ec.value());
  return Staging(out, folder);
}

Staging::Staging(Staging&& other) noexcept : out_(std::move(other.out_)), folder_(std::move(other.folder_)) {
  other.folder_.clear();
}

Staging::~Staging() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

Result<void> Staging::commit(const std::vector<fs::path>& files) {
  for (const auto& file : files) {
    const fs::path target = out_ / file.filename();
    if (std::rename(file.c_str(), target.c_str()) != 0) return failErrno("rename to " + target.string(), errno);
  }
  return {};
}

}  // namespace lectern::app
