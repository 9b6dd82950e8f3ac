#include "app/inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <set>

#include "base/text.h"

namespace lectern::app {

namespace fs = std::filesystem;

namespace {

std::string lowerExtension(const fs::path& path) {
  std::string e = path.extension().string();
  std::transform(e.begin(), e.end(), e.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return e;
}

bool looksLikeDocument(const fs::path& path) {
  static constexpr std::array<std::string_view, 15> kExtensions = {".jpg",  ".jpeg", ".jpe",  ".png", ".tif",
                                                                   ".tiff", ".bmp",  ".webp", ".pdf", ".pnm",
                                                                   ".pbm",  ".pgm",  ".ppm",  ".jp2", ".gif"};
  const std::string e = lowerExtension(path);
  return std::find(kExtensions.begin(), kExtensions.end(), e) != kExtensions.end();
}

/// Links to folders are not followed: they may lead round in a circle. A folder that cannot be read is a fault; the
/// others are searched all the same.
void collectFolder(const fs::path& top, std::vector<fs::path>& found, std::vector<Error>& faults) {
  std::vector<fs::path> folders{top};
  while (!folders.empty()) {
    const fs::path folder = std::move(folders.back());
    folders.pop_back();
    std::error_code ec;
    fs::directory_iterator it(folder, ec);
    for (const fs::directory_iterator end; !ec && it != end; it.increment(ec)) {
      std::error_code ignored;
      const fs::path& path = it->path();
      if (path.filename().string().starts_with(".")) continue;
      if (it->is_directory(ignored)) {
        if (!it->is_symlink(ignored)) folders.push_back(path);
      } else if (looksLikeDocument(path)) {
        if (it->is_regular_file(ignored)) found.push_back(path);
        if (!it->exists(ignored))
          faults.push_back({Code::kNotFound, fmt::format("{}: it is a link to nothing", path.string())});
      }
    }
    if (ec) {
      faults.push_back(
          {Code::kDenied, fmt::format("{}: cannot read this folder: {}", folder.string(), ec.message())});
    }
  }
}

std::string uniqueName(const fs::path& path, std::set<std::string>& taken) {
  // Names stand in JSON, in the database and on one line; files are called NAME and a little more.
  constexpr size_t kLongest = 200;
  const std::string stem = printable(path.stem().string().substr(0, kLongest), '_');
  if (taken.insert(stem).second) return stem;
  const std::string extension = printable(lowerExtension(path), '_');
  std::string name = extension.size() > 1 ? stem + "-" + extension.substr(1) : stem;
  for (int n = 2; !taken.insert(name).second; ++n) name = fmt::format("{}-{}", stem, n);
  return name;
}

}  // namespace

Inputs collectInputs(const std::vector<fs::path>& paths) {
  Inputs inputs;
  std::vector<fs::path> found;
  for (const auto& path : paths) {
    std::error_code ec;
    const auto status = fs::status(path, ec);
    if (ec || !fs::exists(status)) {
      inputs.faults.push_back({Code::kNotFound, fmt::format("{}: no such file or folder", path.string())});
    } else if (fs::is_directory(status)) {
      std::vector<fs::path> inside;
      const size_t faults = inputs.faults.size();
      collectFolder(path, inside, inputs.faults);
      std::sort(inside.begin(), inside.end());
      if (inside.empty() && inputs.faults.size() == faults) {
        inputs.faults.push_back(
            {Code::kNotFound,
             fmt::format("{}: no document files in this folder (jpg, png, tif, bmp, webp, pdf)", path.string())});
      }
      found.insert(found.end(), inside.begin(), inside.end());
    } else if (fs::is_regular_file(status)) {
      found.push_back(path);
    } else {
      inputs.faults.push_back({Code::kInvalid, fmt::format("{}: not a file or folder", path.string())});
    }
  }
  std::set<fs::path> seen;
  std::set<std::string> taken;
  for (const auto& path : found) {
    std::error_code ec;
    const fs::path real = fs::weakly_canonical(path, ec);
    if (!seen.insert(ec ? path : real).second) continue;
    inputs.files.push_back({path, uniqueName(path, taken)});
  }
  return inputs;
}

namespace {
constexpr int kMostPages = 1'000'000;  // of a document; how many it has is known when the first wanted one is made ready

bool parseNumber(std::string_view text, int& number) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  return ec == std::errc() && end == text.data() + text.size() && number >= 1;
}
}  // namespace

Result<std::vector<PageRange>> parsePageRanges(const std::string& text) {
  std::vector<PageRange> ranges;
  size_t at = 0;
  while (at <= text.size()) {
    const size_t comma = std::min(text.find(',', at), text.size());
    const std::string_view part = std::string_view(text).substr(at, comma - at);
    const size_t dash = part.find('-');
    PageRange range;
    bool good = parseNumber(part.substr(0, dash), range.first);
    range.last = range.first;
    if (good && dash != std::string_view::npos) {
      const auto last = part.substr(dash + 1);
      range.last = INT_MAX;
      if (!last.empty()) good = parseNumber(last, range.last) && range.last >= range.first;
    }
    if (!good || range.first > kMostPages) {
      return fail(Code::kInvalid, fmt::format("'{}' is not a page range; write pages from 1 to {} such as 1-3,7 or 5-",
                                              text, kMostPages));
    }
    ranges.push_back(range);
    at = comma + 1;
  }
  return ranges;
}

}  // namespace lectern::app
