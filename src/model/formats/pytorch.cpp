#include "model/formats/pytorch.h"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include "model/formats/pickle.h"
#include "model/formats/roles.h"

namespace lectern::model::formats {

namespace {
using Kind = PickleValue::Kind;
constexpr uint64_t kMaxPickle = uint64_t{512} << 20;
constexpr zip_uint64_t kMaxEntries = 1'000'000;

struct CloseZip {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Zip = std::unique_ptr<zip_t, CloseZip>;

Result<Zip> openZip(const std::filesystem::path& file, int flags) {
  int code = 0;
  Zip zip(zip_open(file.c_str(), flags, &code));
  if (zip) return zip;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return fail(code == ZIP_ER_NOENT ? Code::kNotFound : Code::kCorrupt, fmt::format("{}: {}", file.string(), text));
}

Result<std::string> readEntry(zip_t* zip, zip_uint64_t index) {
  zip_stat_t status;
  if (zip_stat_index(zip, index, 0, &status) != 0) return fail(Code::kCorrupt, zip_strerror(zip));
  if (status.size > kMaxPickle) return fail(Code::kTooLarge, "the pickle is larger than 512 MB");
  zip_file_t* file = zip_fopen_index(zip, index, 0);
  if (file == nullptr) return fail(Code::kCorrupt, zip_strerror(zip));
  std::string out(status.size, '\0');
  const zip_int64_t got = zip_fread(file, out.data(), out.size());
  const int closed = zip_fclose(file);
  if (got != static_cast<zip_int64_t>(out.size()) || closed != 0) return fail(Code::kCorrupt, "the pickle is damaged");
  return out;
}

struct Storage {
  std::string key;
  std::string dtype;
  int64_t width = 0;
};

// ('storage', torch.FloatStorage, key, device, count)
std::optional<Storage> storageOf(const PickleValue& value) {
  if (value.kind != Kind::kPersistent || value.items[0]->kind != Kind::kTuple || value.items[0]->items.size() < 5) {
    return std::nullopt;
  }
  const auto& id = value.items[0]->items;
  if (id[1]->kind != Kind::kGlobal || id[2]->kind != Kind::kText) return std::nullopt;
  static const std::map<std::string, std::pair<std::string, int64_t>> kTypes = {
      {"torch\nFloatStorage", {"float32", 4}},     {"torch\nDoubleStorage", {"float64", 8}},
      {"torch\nHalfStorage", {"float16", 2}},      {"torch\nBFloat16Storage", {"bfloat16", 2}},
      {"torch\nLongStorage", {"int64", 8}},        {"torch\nIntStorage", {"int32", 4}},
      {"torch\nShortStorage", {"int16", 2}},       {"torch\nCharStorage", {"int8", 1}},
      {"torch\nByteStorage", {"uint8", 1}},        {"torch\nBoolStorage", {"bool", 1}},
      {"torch.storage\nUntypedStorage", {"bytes", 1}}};
  const auto type = kTypes.find(id[1]->text);
  if (type == kTypes.end()) return std::nullopt;
  return Storage{id[2]->text, type->second.first, type->second.second};
}

struct Found {
  std::vector<TensorInfo> tensors;
  std::set<std::string> storages;
};

bool isTensorCall(const PickleValue& value) {
  return value.kind == Kind::kReduce && value.items[0]->kind == Kind::kGlobal &&
         value.items[0]->text.starts_with("torch._utils\n_rebuild") && value.items[1]->kind == Kind::kTuple;
}

std::string keyText(const PickleValue& key) {
  return key.kind == Kind::kText ? key.text : key.kind == Kind::kInt ? std::to_string(key.number) : "?";
}

// Collects tensors below `value`; `seen` because objects may be shared.
void collect(const PickleValue& value, const std::string& path, Found& out, std::set<const PickleValue*>& seen) {
  if (const auto storage = storageOf(value)) out.storages.insert(storage->key);
  if (!seen.insert(&value).second) return;
  if (isTensorCall(value)) {
    const auto& arguments = value.items[1]->items;
    const auto storage = !arguments.empty() ? storageOf(*arguments[0]) : std::nullopt;
    if (storage && arguments.size() >= 3 && arguments[2]->kind == Kind::kTuple) {
      TensorInfo info{path, storage->dtype, {}, storage->width};
      for (const auto& dim : arguments[2]->items) {
        info.shape.push_back(dim->number);
        if (dim->number < 0 || __builtin_mul_overflow(info.bytes, dim->number, &info.bytes)) info.bytes = 0;
      }
      out.tensors.push_back(std::move(info));
      out.storages.insert(storage->key);
      return;
    }
  }
  const std::string dot = path.empty() ? "" : path + ".";
  for (size_t i = 0; i < value.items.size(); ++i) {
    const bool sequence = value.kind == Kind::kList || value.kind == Kind::kTuple;
    collect(*value.items[i], sequence ? dot + std::to_string(i) : path, out, seen);
  }
  for (const auto& [key, item] : value.pairs) collect(*item, dot + keyText(*key), out, seen);
  if (value.state) collect(*value.state, path, out, seen);
}

Found collected(const PickleValue& value, const std::string& path) {
  Found out;
  std::set<const PickleValue*> seen;
  collect(value, path, out, seen);
  return out;
}

class File {
 public:
  static Result<File> open(const std::filesystem::path& path, int flags) {
    File out;
    TRY(out.zip, openZip(path, flags));
    const zip_int64_t entries = zip_get_num_entries(out.zip.get(), 0);
    if (entries < 0 || static_cast<zip_uint64_t>(entries) > kMaxEntries) return fail(Code::kCorrupt, "too many entries");
    for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(entries); ++i) {
      const char* name = zip_get_name(out.zip.get(), i, ZIP_FL_ENC_RAW);
      out.names.emplace_back(name != nullptr ? name : "");
      const auto& text = out.names.back();
      if (text == "data.pkl" || text.ends_with("/data.pkl")) {
        out.pickle_index = i;
        out.prefix = text.substr(0, text.size() - std::string_view("data.pkl").size());
        out.has_pickle = true;
      }
    }
    if (!out.has_pickle) return fail(Code::kInvalid, "this zip is no PyTorch file: it holds no data.pkl");
    TRY(const auto bytes, readEntry(out.zip.get(), out.pickle_index));
    TRY(out.pickle, readPickle(bytes));
    out.root = out.pickle.root;
    return out;
  }

  Role role(const PickleValue& key) const {
    return key.kind == Kind::kText && wrapped() ? roleOfEntry(key.text) : Role::kWeight;
  }

  /// Whether the model is one entry among others; else the whole file is the model.
  bool wrapped() const {
    return std::any_of(root->pairs.begin(), root->pairs.end(), [](const auto& pair) {
      return pair.first->kind == Kind::kText && isModelEntry(pair.first->text) && pair.second->kind != Kind::kNone;
    });
  }

  Zip zip;
  std::vector<std::string> names;
  std::string prefix;
  zip_uint64_t pickle_index = 0;
  bool has_pickle = false;
  Pickle pickle;
  PickleRef root = nullptr;  // into `pickle`
};

int64_t fileBytes(const std::filesystem::path& path) {
  std::error_code ignored;
  return static_cast<int64_t>(std::filesystem::file_size(path, ignored));
}
}  // namespace

Result<FileReport> inspectPytorch(const std::filesystem::path& path) {
  TRY(const auto file, File::open(path, ZIP_RDONLY));
  FileReport out;
  out.format = "pytorch";
  out.file_bytes = fileBytes(path);
  if (file.root->pairs.empty()) {
    out.tensors = collected(*file.root, "").tensors;
    return out;
  }
  for (const auto& [key, value] : file.root->pairs) {
    for (auto& tensor : collected(*value, keyText(*key)).tensors) {
      tensor.role = file.role(*key);
      out.tensors.push_back(std::move(tensor));
    }
  }
  return out;
}

Result<SlimReport> slimPytorch(const std::filesystem::path& path, const std::filesystem::path& out_path) {
  SlimReport report;
  report.before_bytes = fileBytes(path);
  std::error_code error;
  if (std::filesystem::equivalent(path, out_path, error)) {
    return fail(Code::kInvalid, "the output is the input; give another name with -o");
  }
  std::filesystem::path temporary = out_path;
  temporary += ".part";
  std::filesystem::copy_file(path, temporary, std::filesystem::copy_options::overwrite_existing, error);
  if (error) return fail(Code::kNotFound, fmt::format("copy {}: {}", path.string(), error.message()));
  const auto work = [&]() -> Result<void> {
    // Entries that stay are copied by the library as they are; the pickle alone is new.
    TRY(auto file, File::open(temporary, ZIP_CHECKCONS));
    auto& pairs = file.root->pairs;
    const auto dropped = [&](const auto& pair) { return file.role(*pair.first) != Role::kWeight; };
    for (const auto& pair : pairs) {
      if (!dropped(pair)) continue;
      int64_t bytes = 0;
      for (const auto& tensor : collected(*pair.second, "").tensors) bytes += tensor.bytes;
      report.dropped.push_back({keyText(*pair.first), bytes, file.role(*pair.first)});
    }
    pairs.erase(std::remove_if(pairs.begin(), pairs.end(), dropped), pairs.end());
    const auto kept = collected(*file.root, "").storages;
    const std::string data = file.prefix + "data/";
    for (zip_uint64_t i = 0; i < file.names.size(); ++i) {
      if (file.names[i].starts_with(data) && !kept.contains(file.names[i].substr(data.size()))) {
        zip_delete(file.zip.get(), i);
      }
    }
    const std::string pickle = writePickle(file.root);
    zip_source_t* source = zip_source_buffer(file.zip.get(), pickle.data(), pickle.size(), 0);
    if (source == nullptr || zip_file_replace(file.zip.get(), file.pickle_index, source, 0) != 0) {
      return fail(Code::kInternal, zip_strerror(file.zip.get()));
    }
    zip_set_file_compression(file.zip.get(), file.pickle_index, ZIP_CM_STORE, 0);
    zip_file_set_mtime(file.zip.get(), file.pickle_index, 315532800, 0);
    if (zip_close(file.zip.get()) != 0) return fail(Code::kNoSpace, zip_strerror(file.zip.get()));
    (void)file.zip.release();
    return {};
  };
  if (auto done = work(); !done) {
    std::filesystem::remove(temporary, error);
    return Failure(done.error());
  }
  std::filesystem::rename(temporary, out_path, error);
  if (error) return fail(Code::kDenied, fmt::format("write {}: {}", out_path.string(), error.message()));
  report.after_bytes = fileBytes(out_path);
  return report;
}

}  // namespace lectern::model::formats
