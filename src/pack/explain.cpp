// What `lectern pack` says about bundles.

#include <fmt/format.h>

#include <algorithm>

#include "pack/pack.h"

namespace lectern::pack {

namespace {
json::array tableJson(const std::vector<PackedFile>& files) {
  json::array out;
  for (const auto& file : files) {
    out.push_back({{"path", file.path},
                   {"why", file.why},
                   {"bytes", file.bytes},
                   {"trimmed_bytes", file.original - file.bytes},
                   {"drop",
                    {{"frees_bytes", file.drop.frees}, {"other_files", file.drop.others}, {"breaks", file.drop.breaks}}}});
  }
  return out;
}
}  // namespace

json::value toJson(const PackReport& report, bool table) {
  json::array functions;
  for (const auto& f : report.functions) {
    json::object one{{"name", f.name}, {"zip", f.zip.string()}, {"zip_bytes", f.zip_bytes},
                     {"unzipped_bytes", f.unzipped_bytes}, {"untrimmed_bytes", f.untrimmed_bytes},
                     {"layers", json::value_from(f.layers)}, {"files", f.files.size()}};
    if (f.traced) {
      json::array traced;
      for (const auto& library : *f.traced) {
        traced.push_back({{"name", library.name}, {"file", library.file.string()}, {"by", library.by}});
      }
      one["traced"] = std::move(traced);
    }
    if (table) {
      json::array left_out;
      for (const auto& file : f.left_out) left_out.push_back({{"path", file.path}, {"why", file.why}, {"bytes", file.original}});
      one["table"] = tableJson(f.files);
      one["left_out"] = std::move(left_out);
    }
    functions.push_back(std::move(one));
  }
  return {{"functions", std::move(functions)}};
}

std::string explain(const PackedFunction& f) {
  auto files = f.files;
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  std::string out = fmt::format("{:>12} {:>12} {:>12}  {}\n", "bytes", "trimmed", "drop frees",
                                "file: why it is in (a library: who needs it) | what breaks without it");
  for (const auto& file : files) {
    const std::string with =
        file.drop.others == 0 ? "" : fmt::format(", {} other{} with it", file.drop.others, file.drop.others == 1 ? "" : "s");
    out += fmt::format("{:>12} {:>12} {:>12}  {}: {} | {}{}\n", file.bytes, file.original - file.bytes, file.drop.frees,
                       file.path, file.why, file.drop.breaks, with);
  }
  for (const auto& file : f.left_out) {
    out += fmt::format("{:>12} {:>12} {:>12}  {}: left out, {}\n", 0, file.original, "", file.path, file.why);
  }
  if (!f.untrimmed_from.empty()) {
    out += fmt::format("{:>12} {:>12} {:>12}  before trimming: {}\n", "", f.untrimmed_bytes, "", f.untrimmed_from);
  }
  return out;
}

}  // namespace lectern::pack
