#include "model/store/space.h"

#include <fmt/format.h>

namespace lectern::model {

Result<void> checkSpace(const std::filesystem::path& folder, int64_t bytes) {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error || static_cast<int64_t>(space.available) >= bytes) return {};
  return fail(Code::kNoSpace, fmt::format("{} has {} MB free, the model needs {}", folder.string(),
                                          space.available / 1'000'000, (bytes + 999'999) / 1'000'000));
}

}  // namespace lectern::model
