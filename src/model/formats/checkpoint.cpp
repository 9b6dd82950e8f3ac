#include "model/formats/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "model/formats/crc32c.h"
#include "model/formats/mapped_file.h"
#include "model/formats/object_graph.h"
#include "model/formats/roles.h"
#include "model/formats/sstable.h"
#include "model/formats/wire.h"

namespace lectern::model::formats {

namespace {
constexpr int kMaxShards = 10'000;

// A BundleEntryProto; `slices` marks a tensor whose parts have entries of their own.
struct Entry {
  std::string key;
  std::string name;  // of the tensor, also for a slice's entry
  std::string proto;
  uint64_t type = 0, shard = 0, offset = 0, size = 0;
  uint32_t crc = 0;
  std::vector<int64_t> shape;
  bool slices = false;
};

std::string dtypeName(uint64_t type) {
  static const std::map<uint64_t, std::string> kNames = {
      {1, "float32"}, {2, "float64"}, {3, "int32"},  {4, "uint8"},    {5, "int16"},   {6, "int8"},
      {7, "string"},  {9, "int64"},   {10, "bool"},  {14, "bfloat16"}, {17, "uint16"}, {19, "float16"},
      {20, "resource"}, {22, "uint32"}, {23, "uint64"}};
  const auto found = kNames.find(type);
  return found != kNames.end() ? found->second : fmt::format("type{}", type);
}

// Keys of slices are an ordered code: a byte 0, then the tensor's name up to "\0\1".
std::string tensorName(const std::string& key) {
  if (key.empty() || key[0] != '\0') return key;
  const size_t end = key.find(std::string("\0\1", 2), 1);
  return end == std::string::npos ? key : key.substr(1, end - 1);
}

Result<std::vector<int64_t>> parseShape(std::string_view message) {
  std::vector<int64_t> shape;
  TRY_VOID(eachField(message, [&](const Field& dim) -> Result<void> {
    if (dim.number != 2 || dim.wire != 2) return {};
    int64_t size = 0;
    TRY_VOID(eachField(dim.bytes, [&](const Field& f) -> Result<void> {
      if (f.number == 1 && f.wire == 0) size = static_cast<int64_t>(f.value);
      return {};
    }));
    if (shape.size() >= 32) return fail(Code::kCorrupt, "a tensor has more than 32 dimensions");
    shape.push_back(size);
    return {};
  }));
  return shape;
}

Result<Entry> parseEntry(const std::string& key, const std::string& value) {
  Entry entry;
  entry.key = key;
  entry.name = tensorName(key);
  entry.proto = value;
  TRY_VOID(eachField(value, [&](const Field& f) -> Result<void> {
    if (f.number == 1) entry.type = f.value;
    if (f.number == 2) {
      TRY(entry.shape, parseShape(f.bytes));
    }
    if (f.number == 3) entry.shard = f.value;
    if (f.number == 4) entry.offset = f.value;
    if (f.number == 5) entry.size = f.value;
    if (f.number == 6) entry.crc = static_cast<uint32_t>(f.value);
    if (f.number == 7) entry.slices = true;
    return {};
  }));
  return entry;
}

class Checkpoint {
 public:
  static Result<Checkpoint> open(const std::filesystem::path& any_file) {
    Checkpoint out;
    const auto prefix = checkpointPrefix(any_file);
    TRY(auto index, MappedFile::open(prefix.string() + ".index"));
    out.bytes_ = static_cast<int64_t>(index.bytes().size());
    TRY(auto table, readTable(index.bytes()));
    uint64_t shards = 1;
    for (auto& [key, value] : table) {
      if (key.empty()) {
        out.header_ = value;
        TRY_VOID(eachField(value, [&](const Field& f) -> Result<void> {
          if (f.number == 1) shards = f.value;
          if (f.number == 2 && f.value != 0) return fail(Code::kInvalid, "the checkpoint is big-endian");
          return {};
        }));
        continue;
      }
      TRY(auto entry, parseEntry(key, value));
      out.names_.insert(entry.name);
      out.entries_.push_back(std::move(entry));
    }
    if (shards == 0 || shards > kMaxShards) return fail(Code::kCorrupt, "the checkpoint names too many data files");
    for (uint64_t i = 0; i < shards; ++i) {
      TRY(auto shard, MappedFile::open(fmt::format("{}.data-{:05}-of-{:05}", prefix.string(), i, shards)));
      out.bytes_ += static_cast<int64_t>(shard.bytes().size());
      out.shards_.push_back(std::make_unique<MappedFile>(std::move(shard)));
    }
    for (const Entry& entry : out.entries_) {
      if (entry.key != kObjectGraphKey) continue;
      TRY(const auto graph, out.data(entry));
      TRY(out.roles_, rolesOfObjects(graph));
    }
    return out;
  }

  RoleOf role(const Entry& entry) const {
    if (const auto told = roles_.find(entry.name); told != roles_.end()) return {told->second, ""};
    return roleOfVariable(entry.name, [this](const std::string& name) { return names_.contains(name); });
  }

  Result<std::string_view> data(const Entry& entry) const {
    if (entry.shard >= shards_.size()) return fail(Code::kCorrupt, fmt::format("tensor '{}': no such data file", entry.name));
    const auto bytes = shards_[entry.shard]->bytes();
    if (entry.offset > bytes.size() || entry.size > bytes.size() - entry.offset) {
      return fail(Code::kCorrupt, fmt::format("tensor '{}' lies outside its data file, which is cut short", entry.name));
    }
    return bytes.substr(entry.offset, entry.size);
  }

  const std::vector<Entry>& entries() const { return entries_; }
  const std::string& header() const { return header_; }
  int64_t bytes() const { return bytes_; }

 private:
  std::vector<Entry> entries_;
  std::set<std::string, std::less<>> names_;
  std::map<std::string, Role, std::less<>> roles_;  // what a graph of objects says
  std::vector<std::unique_ptr<MappedFile>> shards_;
  std::string header_;
  int64_t bytes_ = 0;
};

// The entry with another place and, when the bytes come from elsewhere, another checksum.
Result<std::string> moved(const Entry& entry, const Entry& source, uint64_t offset) {
  std::string out;
  TRY_VOID(eachField(entry.proto, [&](const Field& f) -> Result<void> {
    if (f.number < 3 || f.number > 6) out.append(f.raw);
    return {};
  }));
  std::string place;
  if (offset != 0) putInt(place, 4, offset);
  putInt(place, 5, source.size);
  putFixed32(place, 6, source.crc);
  return out + place;
}

std::string singleShardHeader(const std::string& header) {
  std::string out;
  putInt(out, 1, 1);
  (void)eachField(header, [&](const Field& f) -> Result<void> {
    if (f.number != 1) out.append(f.raw);
    return {};
  });
  return out;
}
}  // namespace

std::filesystem::path checkpointPrefix(const std::filesystem::path& any_file) {
  std::string name = any_file.string();
  for (const std::string_view end : {".index", ".meta"}) {
    if (name.ends_with(end)) return name.substr(0, name.size() - end.size());
  }
  const size_t data = name.rfind(".data-");
  return data != std::string::npos ? name.substr(0, data) : name;
}

Result<FileReport> inspectCheckpoint(const std::filesystem::path& any_file) {
  TRY(const auto checkpoint, Checkpoint::open(any_file));
  FileReport out;
  out.format = "tensorflow-checkpoint";
  out.file_bytes = checkpoint.bytes();
  for (const Entry& entry : checkpoint.entries()) {
    if (entry.slices) continue;  // its parts follow
    TRY_VOID(checkpoint.data(entry).map([](std::string_view) {}));
    out.tensors.push_back({entry.name, dtypeName(entry.type), entry.shape, static_cast<int64_t>(entry.size),
                           checkpoint.role(entry).role});
  }
  return out;
}

Result<SlimReport> slimCheckpoint(const std::filesystem::path& any_file, const std::filesystem::path& out_file,
                                  const SlimOptions& options) {
  TRY(const auto checkpoint, Checkpoint::open(any_file));
  const auto prefix = checkpointPrefix(out_file);
  std::error_code same_error;
  if (std::filesystem::equivalent(prefix.string() + ".index", checkpointPrefix(any_file).string() + ".index", same_error)) {
    return fail(Code::kInvalid, "the output is the input; give another name with -o");
  }
  std::map<std::string, const Entry*> averages;
  if (options.use_averages) {
    for (const Entry& entry : checkpoint.entries()) {
      if (const auto role = checkpoint.role(entry); role.role == Role::kAverage) averages[role.base] = &entry;
    }
  }
  SlimReport report;
  report.before_bytes = checkpoint.bytes();
  TRY(auto data, PieceWriter::create(prefix.string() + ".data-00000-of-00001"));
  TableEntries table{{"", singleShardHeader(checkpoint.header())}};
  for (const Entry& entry : checkpoint.entries()) {
    const Role role = checkpoint.role(entry).role;
    if (role != Role::kWeight) {
      report.dropped.push_back({entry.name, static_cast<int64_t>(entry.size), role});
      continue;
    }
    if (entry.slices) {
      table.emplace_back(entry.key, entry.proto);
      continue;
    }
    const auto average = averages.find(entry.key);
    const Entry& source = average != averages.end() && average->second->shape == entry.shape ? *average->second : entry;
    TRY(const auto bytes, checkpoint.data(source));
    // The checksum of string tensors covers their lengths in another form; it is carried over unread.
    if (source.type != 7 && source.crc != maskedCrc(crc32c(bytes))) {
      return fail(Code::kCorrupt, fmt::format("tensor '{}' has a wrong checksum: the file is damaged", source.name));
    }
    TRY(auto proto, moved(entry, source, static_cast<uint64_t>(data.written())));
    table.emplace_back(entry.key, std::move(proto));
    TRY_VOID(data.write(bytes));
  }
  TRY(auto index, PieceWriter::create(prefix.string() + ".index"));
  TRY_VOID(index.write(writeTable(table)));
  report.after_bytes = data.written() + index.written();
  TRY_VOID(data.commit());
  TRY_VOID(index.commit());
  return report;
}

Result<void> writeCheckpoint(const std::filesystem::path& prefix, size_t count,
                             const std::function<CheckpointTensor(size_t)>& make) {
  TRY(auto data, PieceWriter::create(prefix.string() + ".data-00000-of-00001"));
  std::string header, version;
  putInt(version, 1, 1);
  putInt(header, 1, 1);
  putBytes(header, 3, version);
  TableEntries table{{"", header}};
  for (size_t i = 0; i < count; ++i) {
    const CheckpointTensor tensor = make(i);
    std::string shape, entry;
    for (const int64_t size : tensor.shape) {
      std::string dim;
      putInt(dim, 1, static_cast<uint64_t>(size));
      putBytes(shape, 2, dim);
    }
    putInt(entry, 1, static_cast<uint64_t>(tensor.type));
    putBytes(entry, 2, shape);
    if (data.written() != 0) putInt(entry, 4, static_cast<uint64_t>(data.written()));
    putInt(entry, 5, tensor.bytes.size());
    putFixed32(entry, 6, maskedCrc(crc32c(tensor.bytes)));
    TRY_VOID(data.write(tensor.bytes));
    table.emplace_back(tensor.name, std::move(entry));
  }
  TRY(auto index, PieceWriter::create(prefix.string() + ".index"));
  TRY_VOID(index.write(writeTable(table)));
  TRY_VOID(data.commit());
  return index.commit();
}

}  // namespace lectern::model::formats
