#include "model/files.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "base/files.h"
#include "base/hash.h"

namespace lectern::model {

namespace fs = std::filesystem;

Result<ModelFile> findModel(const std::string& name) {
  std::vector<fs::path> folders;
  if (const char* own = std::getenv("LECTERN_MODELS"); own != nullptr && *own != '\0') folders.emplace_back(own);
  folders.push_back(assetsDir() / "models");
  std::error_code ec;
  const fs::path self = fs::read_symlink("/proc/self/exe", ec);
  if (!ec) {
    folders.push_back(self.parent_path() / "models");
    folders.push_back(self.parent_path().parent_path().parent_path() / "models");
  }
  folders.emplace_back("models");
  for (const auto& folder : folders) {
    fs::path path = folder / (name + ".onnx");
    if (fs::is_regular_file(path, ec)) return ModelFile{name, path};
  }
  return fail(Code::kNotFound, "model " + name + ".onnx is not in " + folders.front().string() +
                                   "; run tools/fetch_assets (or set LECTERN_MODELS to the folder that has it)");
}

Result<std::string> modelSha256(const fs::path& path) {
  static std::mutex mutex;
  static std::map<std::tuple<std::string, int64_t, int64_t>, std::string> known;
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return failErrno("stat " + path.string(), errno);
  const std::tuple key{path.string(), int64_t{info.st_size}, int64_t{info.st_mtim.tv_sec}};
  {
    const std::lock_guard lock(mutex);
    if (const auto it = known.find(key); it != known.end()) return it->second;
  }
  TRY(std::string digest, sha256HexOfFile(path));
  const std::lock_guard lock(mutex);
  known[key] = digest;
  return digest;
}

}  // namespace lectern::model
