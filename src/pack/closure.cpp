#include "pack/closure.h"

#include <fmt/format.h>
#include <glob.h>

#include <deque>
#include <fstream>

#include "base/files.h"
#include "pack/elf.h"

namespace lectern::pack {

namespace fs = std::filesystem;

namespace {
std::vector<fs::path> systemFolders() {
  std::vector<fs::path> out;
  glob_t found{};
  if (glob("/etc/ld.so.conf.d/*.conf", 0, nullptr, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc; ++i) {
      std::ifstream in(found.gl_pathv[i]);
      for (std::string line; std::getline(in, line);) {
        if (line.starts_with("/")) out.emplace_back(line);
      }
    }
  }
  globfree(&found);
  for (const char* folder : {"/lib", "/usr/lib", "/lib64", "/usr/lib64"}) out.emplace_back(folder);
  return out;
}

struct Job {
  std::string name, by;  // by: the file that needs it; "" for one that is loaded by dlopen, `why` says so
  std::vector<fs::path> folders;
  std::string why;
};

std::vector<fs::path> foldersOf(const ElfInfo& info, const fs::path& file) {
  std::vector<fs::path> out;
  for (std::string folder : info.search) {
    for (const std::string_view origin : {"$ORIGIN", "${ORIGIN}"}) {
      if (const size_t at = folder.find(origin); at != std::string::npos) {
        folder.replace(at, origin.size(), fs::absolute(file).parent_path().string());
      }
    }
    out.emplace_back(folder);
  }
  return out;
}
}  // namespace

Result<Closure> findClosure(const fs::path& program, const std::vector<ExtraLibrary>& extra) {
  static const std::vector<fs::path> kSystem = systemFolders();
  Closure out;
  std::deque<Job> jobs;
  const auto visit = [&](const fs::path& file) -> Result<ElfInfo> {
    TRY(const auto bytes, readFile(file));
    auto info = readElf(bytes);
    if (!info) return Failure(info.error().with(file.string()));
    for (const auto& name : info->needed) {
      jobs.push_back({name, file.filename().string(), foldersOf(*info, file), ""});
    }
    return info;
  };
  TRY(const auto top, visit(program));
  if (!top.interpreter.empty()) out.interpreter = top.interpreter;
  for (const auto& [name, why] : extra) jobs.push_back({name, "", {}, why});
  while (!jobs.empty()) {
    const Job job = std::move(jobs.front());
    jobs.pop_front();
    const std::string name = fs::path(job.name).filename().string();
    if (name == out.interpreter.filename()) continue;
    if (const auto known = out.libraries.find(name); known != out.libraries.end()) {
      if (!job.by.empty()) known->second.why += ", " + job.by;
      continue;
    }
    const std::string why = job.by.empty() ? job.why : "needed by " + job.by;
    fs::path found;
    std::error_code ignored;
    if (job.name.find('/') != std::string::npos && fs::exists(job.name, ignored)) found = job.name;
    for (const auto* folders : {&job.folders, &kSystem}) {
      for (const auto& folder : *folders) {
        if (found.empty() && fs::exists(folder / name, ignored)) found = folder / name;
      }
    }
    if (found.empty()) return fail(Code::kNotFound, fmt::format("library {} ({}) is not on this machine", job.name, why));
    out.libraries[name] = {found, why};
    TRY_VOID(visit(found).map([](const ElfInfo&) {}));
  }
  return out;
}

}  // namespace lectern::pack
