#pragma once
#include <filesystem>
#include <optional>
#include <string_view>

namespace lectern::engine {

/// The folder that an event source stands for: "file:///data/in" or "arn:aws:lectern:REGION:ACCOUNT:/data/in".
inline std::optional<std::filesystem::path> folderOfArn(std::string_view arn) {
  if (arn.starts_with("file:///")) return std::filesystem::path(arn.substr(7));
  if (!arn.starts_with("arn:aws:lectern:")) return std::nullopt;
  for (int colon = 0; colon < 5; ++colon) {
    size_t at = arn.find(':');
    if (at == std::string_view::npos) return std::nullopt;
    arn.remove_prefix(at + 1);
  }
  if (!arn.starts_with('/')) return std::nullopt;
  return std::filesystem::path(arn);
}

}  // namespace lectern::engine
