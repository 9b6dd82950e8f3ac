#include "reader/recognise/tessdata.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

namespace lectern::reader {

namespace fs = std::filesystem;

Result<std::string> tessdataFolder() {
  std::vector<fs::path> folders;
  if (const char* own = std::getenv("TESSDATA_PREFIX"); own != nullptr && *own != '\0') folders.emplace_back(own);
  std::error_code ec;
  const fs::path self = fs::read_symlink("/proc/self/exe", ec);
  if (!ec) folders.push_back(self.parent_path() / "tessdata");
  folders.emplace_back("/usr/share/tesseract-ocr/5/tessdata");
  folders.emplace_back("/usr/share/tessdata");
  for (const auto& folder : folders) {
    if (fs::is_directory(folder, ec)) return folder.string();
  }
  return fail(Code::kNotFound, "no tessdata folder; install tesseract-ocr-eng or set TESSDATA_PREFIX");
}

Result<void> checkLanguages(const std::string& folder, const std::string& languages) {
  size_t at = 0;
  while (at <= languages.size()) {
    const size_t plus = std::min(languages.find('+', at), languages.size());
    const std::string one = languages.substr(at, plus - at);
    const bool plain = !one.empty() && one.find_first_not_of(
                                           "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123"
                                           "456789") == std::string::npos;
    if (!plain)
      return fail(Code::kInvalid, fmt::format("'{}' is no language; write for example eng or eng+deu", languages));
    std::error_code ec;
    if (!fs::exists(fs::path(folder) / (one + ".traineddata"), ec)) {
      std::string package = one;
      std::replace(package.begin(), package.end(), '_', '-');
      return fail(Code::kNotFound, fmt::format("the Tesseract language '{}' is not installed; run: apt-get install "
                                               "tesseract-ocr-{}",
                                               one, package));
    }
    at = plus + 1;
  }
  return {};
}

}  // namespace lectern::reader
