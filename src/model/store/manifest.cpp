#include "model/store/manifest.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "model/store/space.h"
#include "model/store/weights.h"

namespace lectern::model {

namespace fs = std::filesystem;

namespace {
constexpr size_t kMaxFiles = 15;  // what one message of the keeper carries

Failure failCode(std::string_view doing, const std::error_code& error) { return failErrno(doing, error.value()); }

/// The model file and those beside it that hold its weights.
Result<std::vector<fs::path>> filesOf(const fs::path& model) {
  std::vector<fs::path> out = {model};
  if (model.extension() == ".ort") return out;
  TRY(const auto bytes, readFile(model, gibibytes(2)));
  TRY(const auto tensors, externalTensors(bytes));
  std::set<std::string> locations;
  for (const auto& t : tensors) locations.insert(t.location);
  for (const auto& location : locations) out.push_back(model.parent_path() / location);
  if (out.size() > kMaxFiles) return fail(Code::kTooLarge, model.filename().string() + " has too many files of weights");
  return out;
}

Result<StoredFile> describe(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (error) return failCode("read " + file.string(), error);
  TRY(auto digest, sha256HexOfFile(file));
  return StoredFile{file.filename().string(), std::move(digest), static_cast<int64_t>(size)};
}

std::string encode(const Manifest& manifest) {
  json::array files;
  for (const auto& f : manifest.files) files.push_back({{"file", f.name}, {"sha256", f.sha256}, {"size", f.size}});
  return toPrettyJson({{"name", manifest.name}, {"source", manifest.source}, {"files", std::move(files)}});
}

bool sameBytes(const Manifest& a, const Manifest& b) {
  return std::equal(a.files.begin(), a.files.end(), b.files.begin(), b.files.end(),
                    [](const auto& x, const auto& y) { return x.sha256 == y.sha256 && x.size == y.size; });
}

Result<Manifest> decode(std::string_view text, const std::string& name) {
  const auto bad = [&] { return fail(Code::kCorrupt, "the manifest of model " + name + " is damaged: add it again"); };
  auto value = parseJson(text);
  if (!value || !value->is_object()) return bad();
  const auto& object = value->as_object();
  Manifest out{name, stringOr(object, "source", ""), {}};
  const auto* files = object.if_contains("files");
  if (files == nullptr || !files->is_array() || files->as_array().empty() || files->as_array().size() > kMaxFiles) {
    return bad();
  }
  for (const auto& entry : files->as_array()) {
    if (!entry.is_object()) return bad();
    StoredFile file{stringOr(entry.as_object(), "file", ""), stringOr(entry.as_object(), "sha256", ""),
                    intOr(entry.as_object(), "size", -1)};
    const bool hex = file.sha256.size() == 64 && file.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
    const bool plain = !file.name.empty() && file.name[0] != '.' && file.name.find('/') == std::string::npos;
    if (!hex || !plain || file.size <= 0) return bad();
    out.files.push_back(std::move(file));
  }
  return out;
}
}  // namespace

int64_t Manifest::bytes() const {
  int64_t total = 0;
  for (const auto& f : files) total += f.size;
  return total;
}

bool validModelName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 100 && name[0] != '.' && std::all_of(name.begin(), name.end(), allowed);
}

Result<Manifest> addModel(const fs::path& store, const std::string& name, const fs::path& file,
                          const std::string& source) {
  if (!validModelName(name)) return fail(Code::kInvalid, "a model's name has letters, digits, '.', '_' and '-': " + name);
  TRY(const auto paths, filesOf(file));
  Manifest manifest{name, source, {}};
  const fs::path part = store / fmt::format(".{}.{}.part", name, getpid());
  std::error_code error, ignored;
  fs::remove_all(part, ignored);
  fs::create_directories(part, error);
  if (error) return failCode("create " + part.string(), error);
  const auto fill = [&]() -> Result<void> {
    int64_t bytes = 0;
    for (const auto& path : paths) {
      bytes += static_cast<int64_t>(fs::file_size(path, error));
      if (error) return failCode("read " + path.string(), error);
    }
    TRY_VOID(checkSpace(store, bytes));
    for (const auto& path : paths) {
      fs::copy_file(path, part / path.filename(), error);
      if (error) return failCode("copy " + path.string(), error);
      // Of the copy, so that a file that changes meanwhile is never described by what it was.
      TRY(auto described, describe(part / path.filename()));
      manifest.files.push_back(std::move(described));
    }
    return writeFileAtomic(part / "manifest.json", encode(manifest));
  };
  auto filled = fill();
  if (filled) {
    fs::rename(part, store / name, error);
    if (!error) return manifest;
    auto existing = readManifest(store, name);
    if (existing && sameBytes(*existing, manifest)) {
      filled = {};
      manifest = std::move(*existing);
    } else {
      filled = fail(Code::kExists, "the store has another model named " + name + ": choose another name");
    }
  }
  fs::remove_all(part, ignored);
  if (!filled) return Failure(filled.error());
  return manifest;
}

Result<Manifest> addForm(const fs::path& store, const std::string& name, const std::string& machine,
                         const fs::path& file) {
  TRY(Manifest manifest, readManifest(store, name));
  manifest.files.clear();
  TRY(const auto paths, filesOf(file));
  for (const auto& path : paths) {
    if (!path.filename().string().starts_with(machine)) return fail(Code::kInvalid, "a form's files are named after it");
    TRY(auto described, describe(path));
    manifest.files.push_back(std::move(described));
    std::error_code error;
    fs::rename(path, store / name / path.filename(), error);
    if (error) return failCode("write " + (store / name / path.filename()).string(), error);
  }
  TRY_VOID(writeFileAtomic(store / name / (machine + ".json"), encode(manifest)));
  return manifest;
}

Result<Manifest> readManifest(const fs::path& store, const std::string& name, const std::string& machine) {
  if (!validModelName(name) || (!machine.empty() && !validModelName(machine))) {
    return fail(Code::kInvalid, "no model can be named " + name);
  }
  auto text = readFile(store / name / ((machine.empty() ? "manifest" : machine) + ".json"), mebibytes(1));
  if (!text) {
    if (text.error().code != Code::kNotFound) return Failure(text.error());
    return fail(Code::kNotFound, fmt::format("model {} is not in the store {}; add it with: lectern model add FILE "
                                             "--store {} --name {}", name, store.string(), store.string(), name));
  }
  return decode(*text, name);
}

Result<std::vector<Manifest>> listModels(const fs::path& store) {
  std::vector<Manifest> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(store, error)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_directory() || !validModelName(name)) continue;
    TRY(auto manifest, readManifest(store, name));
    out.push_back(std::move(manifest));
  }
  if (error) return failCode("open the store " + store.string(), error);
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

}  // namespace lectern::model
