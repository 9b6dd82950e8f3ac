#include "pack/trace.h"

#include <algorithm>

#include "base/files.h"

namespace lectern::pack {

namespace fs = std::filesystem;

namespace {
/// What stands between `before` and `after`; empty when they are not there.
std::string_view between(std::string_view line, std::string_view before, std::string_view after) {
  const size_t at = line.find(before);
  if (at == std::string_view::npos) return {};
  const size_t from = at + before.size(), end = line.find(after, from);
  return end == std::string_view::npos ? std::string_view() : line.substr(from, end - from);
}
}  // namespace

void readLoaderTrace(std::string_view text, std::vector<TracedLibrary>& out) {
  // A dlopen is told twice: when it is asked for, "file=NAME [0];  dynamically loaded by FILE [0]", and when it has been
  // done, "opening file=PATH [0]; direct_opencount=1".
  std::string_view name, by;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (const auto who = between(line, "dynamically loaded by ", " ["); !who.empty()) {
      name = between(line, "file=", " ["), by = who;
      continue;
    }
    const auto file = between(line, "opening file=", " [");
    if (!file.starts_with("/")) continue;
    const bool known = std::any_of(out.begin(), out.end(), [&](const auto& library) { return library.file == file; });
    const bool named = fs::path(name).filename() == fs::path(file).filename();
    if (!known) out.push_back({std::string(named ? name : file), std::string(named ? by : ""), file});
  }
}

Result<std::vector<TracedLibrary>> traceLibraries(ProbeSpec spec) {
  TRY(const auto folder, TempDir::create("lectern-trace-"));
  spec.environment.emplace_back("LD_DEBUG=files");
  spec.environment.push_back("LD_DEBUG_OUTPUT=" + (folder.path() / "trace").string());
  TRY(const auto answer, probe(spec));
  (void)answer;
  std::vector<TracedLibrary> out;
  std::vector<fs::path> files;  // one a process
  for (const auto& entry : fs::directory_iterator(folder.path())) files.push_back(entry.path());
  if (files.empty()) return fail(Code::kInvalid, "its loader tells nothing; name the libraries yourself (libraries)");
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    TRY(const auto text, readFile(file, mebibytes(64)));
    readLoaderTrace(text, out);
  }
  return out;
}

}  // namespace lectern::pack
